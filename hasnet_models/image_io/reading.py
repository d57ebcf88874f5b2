"""Pictures in: from a path, a stream, bytes or Pillow to a `Photo`, or one sentence."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from hasnet_models.errors import HasnetError, ImageError, UsageError
from hasnet_models.filenames import STDIN, STREAM
from hasnet_models.image_io.formats import PNG_TEXT, carrier_of
from hasnet_models.image_io.metadata import TEXT_KEY, public_exif, texts_of
from hasnet_models.image_io.modes import Depth, pixels
from hasnet_models.image_io.openers import opened, readable_formats
from hasnet_models.image_io.photo import Photo
from hasnet_models.image_io.png_chunks import SIGNATURE, sound_png
from hasnet_models.image_io.tiff_tags import bits_of, is_tiff, white_is_zero

if TYPE_CHECKING:
    from hasnet_models.image_io.tiff_pages import Page

DEFAULT_MAX_PIXELS = 2**27
MAX_PIXELS_VARIABLE = "HASNET_MAX_PIXELS"
MAX_BYTES = 2**29  # of a stream, or of a file that is read as a whole

# Pillow's bomb limit is a global of its own; ours is an argument. The global is out of the way
# while anything is read here, on whatever threads: some formats look at it when they decode.
_LIMIT_LOCK = threading.Lock()
_readers = 0
_pillows_limit: int | None = None


def read(source: str | Path | BinaryIO, max_pixels: int | None = None) -> Photo:
    """Read a picture.

    Args:
        source: a path, "-" for standard input, or a binary file object.
        max_pixels: refuse larger pictures; None for HASNET_MAX_PIXELS or 2**27.

    Raises:
        UsageError: there is no such file, it is a folder, or the limit makes no sense.
        ImageError: it is no picture, a damaged, an unreadable or a too large one.
    """
    limit = pixel_limit() if max_pixels is None else max_pixels
    with _opened(source) as (stream, name, path), _explained(name):
        photo = _photo(stream, name, limit)
    return replace(photo, path=path)


def file_bytes(path: Path) -> bytes:
    """All bytes of a picture file, for who wants to hash what he decodes.

    Raises:
        UsageError: there is no such file, or it is a folder.
        ImageError: it may not be read, or has more than 512 MiB.
    """
    with _open_file(path) as file:
        if os.fstat(file.fileno()).st_size > _most_bytes():  # judged before it fills the memory
            raise _too_long(path.name)
        return _all_bytes(file, path.name)


def decode(data: bytes, path: Path) -> Photo:
    """The picture in the bytes of a file.

    Args:
        path: where they were read from.

    Raises:
        ImageError: as `read`.
    """
    with _explained(path.name):
        photo = _photo(io.BytesIO(data), path.name, pixel_limit())
    return replace(photo, path=path)


def from_pillow(image: Image.Image, name: str = "picture") -> Photo:
    """A Pillow picture of any mode, upright and in sRGB as `read` gives it; it is not changed.

    Raises:
        ImageError: its data are damaged, or of a mode that cannot be converted.
    """
    with _explained(name):
        depth = Depth(bits_of(image), white_is_zero(image))
        image.load()
        icc, (exif, long) = image.info.get("icc_profile"), public_exif(image)
        rgb, alpha = pixels(_upright(image), icc, depth)
    notes = (f"Its EXIF is not passed on where it is too long: {', '.join(long)}.",) if long else ()
    return Photo(rgb, alpha, icc, exif, name, notes=notes)


def read_metadata(source: str | Path | BinaryIO) -> dict[str, str]:
    """The texts that `write` put into a picture; empty if there are none.

    Raises:
        UsageError, ImageError: as `read`.
    """
    with _opened(source) as (stream, name, _), _explained(name), _no_bomb_limit():
        image, _ = _open(stream, name, pixel_limit())
        if carrier_of(image.format) == PNG_TEXT:
            image.load()  # text may stand behind the pixels
        return texts_of(image)


def carries_texts(path: Path) -> bool:
    """Whether a picture says in its head that `write` made it; its pixels are not read."""
    try:
        with _explained(path.name), path.open("rb") as stream:
            image, _ = _open(stream, path.name, pixel_limit())
            if carrier_of(image.format) == PNG_TEXT:
                return TEXT_KEY in image.info  # `texts_of` would decode the pixels
            return bool(texts_of(image))
    except (OSError, HasnetError):
        return False  # whoever reads it whole says what is wrong


def open_header(stream: BinaryIO, name: str) -> Image.Image:
    """Pillow's picture of a stream, its header judged, for who reads more of it than `read` does.

    Raises:
        ImageError: it is no picture, or a too large one.
    """
    with _explained(name), _no_bomb_limit():
        return _opened_image(stream, name, pixel_limit(), b"")


def reason_of(error: BaseException) -> str:
    """What an error says, in one line without a full stop."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].rstrip(".")


def pixel_limit() -> int:
    """The most pixels that a picture may have: HASNET_MAX_PIXELS or 2**27.

    Raises:
        UsageError: the variable makes no sense.
    """
    text = os.environ.get(MAX_PIXELS_VARIABLE, "")
    if not text:
        return DEFAULT_MAX_PIXELS
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"{MAX_PIXELS_VARIABLE} must be a whole number of pixels, not {text!r}.")
    return int(text)


@contextlib.contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[tuple[BinaryIO, str, Path | None]]:
    """A seekable stream of the source's bytes, its name and its path."""
    if not isinstance(source, (str, Path)):
        yield _buffered(source, "The stream"), str(getattr(source, "name", "<stream>")), None
        return
    if str(source) == STREAM:
        yield _buffered(sys.stdin.buffer, "The stream"), STDIN, None
        return
    path = Path(source)
    with _open_file(path) as file:
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        yield (file if regular else _buffered(file, path.name)), path.name, path


def _open_file(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a picture.")
        return path.open("rb")
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.") from error
    except PermissionError as error:
        raise ImageError(f"The file {path} may not be read: permission denied.") from error
    except (OSError, ValueError) as error:  # a name too long, a null byte in it
        raise UsageError(f"The path {str(path)!r} cannot be used: {reason_of(error)}.") from error


def _buffered(stream: BinaryIO, name: str) -> BinaryIO:
    """What may not be seekable, such as a pipe, as a stream that is."""
    return io.BytesIO(_all_bytes(stream, name))


def _all_bytes(stream: BinaryIO, name: str) -> bytes:
    """All bytes of a stream; never without end."""
    with _explained(name):
        data = stream.read(_most_bytes() + 1)
    if len(data) > _most_bytes():
        raise _too_long(name)
    return data


def _too_long(name: str) -> ImageError:
    return ImageError(
        f"{name} holds more than {_most_bytes() >> 20} MiB.",
        f"If you trust the file, set {MAX_PIXELS_VARIABLE} to a higher number.",
    )


def _most_bytes() -> int:
    """MAX_BYTES, or in proportion more where the user allows more pixels."""
    return max(MAX_BYTES, MAX_BYTES * pixel_limit() // DEFAULT_MAX_PIXELS)


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one sentence."""
    try:
        yield
    except (ImageError, UsageError):
        raise
    # Pillow's plugins raise nearly everything on damaged files (struct.error, SyntaxError,
    # IndexError, OverflowError, ...), so a list of types would never be complete.
    except Exception as error:
        raise ImageError(f"{name} cannot be read: {reason_of(error)}.") from error


def _photo(stream: BinaryIO, name: str, limit: int) -> Photo:
    with _no_bomb_limit():
        image, notes = _open(stream, name, limit)
        photo = from_pillow(image, name)
    return replace(photo, notes=notes + photo.notes)


def _open(stream: BinaryIO, name: str, limit: int) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture of a file, its header judged, and notes; no pixel is decoded yet as a rule."""
    head = stream.read(32)
    stream.seek(0)
    if not head:
        raise ImageError(f"{name} is empty (zero bytes).")
    if head.startswith(SIGNATURE):
        return _open_png(stream, name, limit)
    if is_tiff(head):
        from hasnet_models.image_io import tiff_pages

        found = tiff_pages.pages(stream)
        stream.seek(0)
        if tiff_pages.needs_choice(found):
            return _open_largest(stream, name, limit, found)
    return _opened_image(stream, name, limit, head), ()


def _open_png(stream: BinaryIO, name: str, limit: int) -> tuple[Image.Image, tuple[str, ...]]:
    sound = sound_png(stream)
    image = _opened_image(sound.stream, name, limit, SIGNATURE)
    if sound.profile is not None:
        image.info["icc_profile"] = sound.profile
    kinds = ", ".join(sound.left_out)
    return image, (f"Damaged or too large metadata left out: {kinds}.",) if kinds else ()


def _open_largest(
    stream: BinaryIO, name: str, limit: int, found: list[Page]
) -> tuple[Image.Image, tuple[str, ...]]:
    """The largest picture of a TIFF whose first one is a thumbnail, already decoded."""
    from hasnet_models.image_io import tiff_pages

    largest = max(found, key=lambda page: page.side)
    for page in tiff_pages.ranked(found):
        image = _decoded(tiff_pages.stream_of(stream, page), name, limit, found[0].orientation)
        if image is None or not tiff_pages.stands_for(max(image.size), found):
            continue
        if max(image.size) >= largest.side:
            return image, ()
        size = f"{image.width}x{image.height}"
        return image, (
            f"Its picture of {largest.width}x{largest.height} cannot be decoded: "
            f"a preview of {size} is taken.",
        )
    raise ImageError(
        f"{name} holds a picture of {largest.width}x{largest.height} that cannot be decoded, and "
        "no preview of it that is large enough.",
        "Develop the raw file, or save the picture as JPEG, PNG or a plain TIFF.",
    )


def _decoded(
    stream: BinaryIO, name: str, limit: int, orientation: int
) -> Image.Image | None:
    """A picture within a file, or None; turned as the whole file is where it does not say."""
    try:
        image = opened(stream)
    except UnidentifiedImageError:
        return None
    _judge_size(image, name, limit)
    try:
        exif = image.getexif()
        exif[ExifTags.Base.Orientation] = exif.get(ExifTags.Base.Orientation, orientation)
        image.load()
    except Exception:  # a coding that Pillow does not know, or whatever else a damaged file raises
        return None
    return image


def _opened_image(stream: BinaryIO, name: str, limit: int, head: bytes) -> Image.Image:
    """Pillow's picture of a stream.

    Raises:
        ImageError: it is no picture, or a too large one.
    """
    try:
        image = opened(stream)
    except UnidentifiedImageError as error:
        if head[4:8] == b"ftyp" and "HEIF" not in readable_formats():
            raise ImageError(
                f"{name} looks like a HEIC picture, which needs another package to be read.",
                "Run: pip install pillow-heif",
            ) from error
        raise ImageError(f"{name} is not a picture that can be read.") from error
    _judge_size(image, name, limit)
    return image


def _judge_size(image: Image.Image, name: str, limit: int) -> None:
    width, height = image.size
    if width * height > limit:
        raise ImageError(
            f"{name} has {width}x{height} pixels, more than the limit of {limit}.",
            f"If you trust the file, set {MAX_PIXELS_VARIABLE} to a higher number.",
        )


@contextlib.contextmanager
def _no_bomb_limit() -> Iterator[None]:
    global _readers, _pillows_limit
    with _LIMIT_LOCK:
        if not _readers:
            _pillows_limit = Image.MAX_IMAGE_PIXELS
        _readers += 1
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _LIMIT_LOCK:
            _readers -= 1
            if not _readers:
                Image.MAX_IMAGE_PIXELS = _pillows_limit


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF: the pixels are sound all the same
        return image
