"""Which of the pictures in a TIFF is the picture.

A scan of several pages is its first page. Where that is only a thumbnail of another picture (DNG
and other raw files, which are TIFF within, files with previews) the largest picture that can be
decoded is taken.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from PIL import ExifTags, TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from hasnet_models.image_io.tiff_tags import one

_Base = ExifTags.Base
_MOST = 64  # directories that are looked at
_THUMBNAIL = 512  # px: an unmarked first picture with a larger twin is a thumbnail up to this side
_TWIN = 2.0  # how many times larger the twin is at least
_SAME_ASPECT = 0.03
_PREVIEW = 1024  # px: a preview that stands for a picture that cannot be decoded
_PREVIEW_SHARE = 0.5
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_OLD_REDUCED = 2  # of SubfileType
_WHITE_IS_ZERO = 0


@dataclass(frozen=True)
class Page:
    """One picture of a TIFF.

    Attributes:
        offset: of its directory in the file.
        width, height: px; 0 where the directory does not say.
        reduced: whether it is marked as a smaller version of another picture.
        mask: whether it is another picture's mask.
        jpeg: offset and length of a whole JPEG file that it is, or None.
        orientation: of EXIF, 1 where the directory does not say.
    """

    offset: int
    width: int
    height: int
    reduced: bool
    mask: bool
    jpeg: tuple[int, int] | None
    orientation: int

    @property
    def side(self) -> int:
        """The longer one, px."""
        return max(self.width, self.height)


def pages(stream: BinaryIO) -> list[Page]:
    """The pictures of a TIFF, its first one first; as many as can be found."""
    try:
        return list(_pages(stream))
    except Exception:  # what directories hold is as seldom sound as EXIF; Pillow reads the first
        return []


def needs_choice(found: list[Page]) -> bool:
    """Whether the first picture is only a small version of another one."""
    if len(found) < 2:
        return False
    first, *others = found
    return first.reduced or any(_is_twin(first, other) for other in others)


def ranked(found: list[Page]) -> list[Page]:
    """Pictures in the order in which they are to be tried: whole ones first, the largest first."""
    usable = [page for page in found if not page.mask]
    return sorted(usable, key=lambda page: (page.reduced, -page.width * page.height))


def stands_for(image_side: int, found: list[Page]) -> bool:
    """Whether a picture of that longer side is enough where larger ones cannot be decoded."""
    largest = max(page.side for page in found)
    return image_side >= min(_PREVIEW, _PREVIEW_SHARE * largest)


def stream_of(stream: BinaryIO, page: Page) -> BinaryIO:
    """A file whose first picture is that page."""
    if page.jpeg is not None:
        offset, length = page.jpeg
        stream.seek(offset)
        return io.BytesIO(stream.read(length))
    stream.seek(0)
    data = bytearray(stream.read())
    order = "<" if data[:2] == b"II" else ">"
    form, place = (order + "Q", 8) if _is_big(data) else (order + "I", 4)
    struct.pack_into(form, data, place, page.offset)
    return io.BytesIO(data)


def read_white_is_zero_too() -> None:
    """Teach Pillow the deep kinds of WhiteIsZero that it lacks; `white_is_zero` turns them."""
    known = TiffImagePlugin.OPEN_INFO
    for (order, photometric, *kind), modes in list(known.items()):
        if photometric == 1 and (modes[0] == "F" or modes[0].startswith("I")):
            known.setdefault((order, _WHITE_IS_ZERO, *kind), modes)


def _is_twin(first: Page, other: Page) -> bool:
    """Whether the other is the picture of which the first, unmarked, is a thumbnail."""
    if other.mask or not (0 < first.side <= _THUMBNAIL) or other.side < _TWIN * first.side:
        return False
    ratio = (other.width * first.height) / (other.height * first.width)
    return abs(ratio - 1) <= _SAME_ASPECT


def _pages(stream: BinaryIO) -> Iterator[Page]:
    stream.seek(0)
    head = stream.read(8)
    head += stream.read(8) if _is_big(head) else b""
    waiting, seen = [ImageFileDirectory_v2(head).next], set[int]()
    while waiting and len(seen) < _MOST:
        offset = waiting.pop(0)
        if not offset or offset in seen:
            continue
        seen.add(offset)
        directory = ImageFileDirectory_v2(head)
        stream.seek(offset)
        directory.load(stream)
        yield _page(directory, offset)
        inner = directory.get(_Base.SubIFDs, ())
        waiting += inner if isinstance(inner, tuple) else (inner,)
        waiting.append(directory.next)


def _is_big(head: bytes | bytearray) -> bool:
    """Whether a file is a BigTIFF, whose offsets have 8 bytes."""
    return 43 in head[2:4]


def _page(tags: ImageFileDirectory_v2, offset: int) -> Page:
    kind = one(tags, _Base.NewSubfileType) or 0
    reduced = bool(kind & _REDUCED) or one(tags, _Base.SubfileType) == _OLD_REDUCED
    start, length = one(tags, _Base.JpegIFOffset), one(tags, _Base.JpegIFByteCount)
    return Page(
        offset,
        one(tags, _Base.ImageWidth) or 0,
        one(tags, _Base.ImageLength) or 0,
        reduced,
        bool(kind & _MASK),
        (start, length) if start and length else None,
        one(tags, _Base.Orientation) or 1,
    )
