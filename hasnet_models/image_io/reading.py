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
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from hasnet_models.errors import HasnetError, ImageError, UsageError
from hasnet_models.filenames import STDIN, STREAM
from hasnet_models.image_io.formats import PNG_TEXT, carrier_of, readable_formats
from hasnet_models.image_io.metadata import public_exif, texts_of
from hasnet_models.image_io.modes import pixels
from hasnet_models.image_io.photo import Photo

DEFAULT_MAX_PIXELS = 2**27
MAX_PIXELS_VARIABLE = "HASNET_MAX_PIXELS"
MAX_BYTES = 2**29  # of a stream, or of a file that is read as a whole

# Pillow's bomb limit is a global of its own; ours is an argument, so the global is out of the way
# only while a header is read.
_OPEN_LOCK = threading.Lock()


def read(source: str | Path | BinaryIO, max_pixels: int | None = None) -> Photo:
    """Read a picture.

    Args:
        source: a path, "-" for standard input, or a binary file object.
        max_pixels: refuse larger pictures; None for HASNET_MAX_PIXELS or 2**27.

    Raises:
        UsageError: there is no such file, it is a folder, or the limit makes no sense.
        ImageError: it is no picture, a damaged, an unreadable or a too large one.
    """
    limit = _pixel_limit() if max_pixels is None else max_pixels
    with _opened(source) as (stream, name, path), _explained(name):
        photo = from_pillow(_open(stream, name, limit), name)
    return replace(photo, path=path)


def file_bytes(path: Path) -> bytes:
    """All bytes of a picture file, for who wants to hash what he decodes.

    Raises:
        UsageError: there is no such file, or it is a folder.
        ImageError: it may not be read, or has more than 512 MiB.
    """
    with _open_file(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:  # judged before it fills the memory
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
        photo = from_pillow(_open(io.BytesIO(data), path.name, _pixel_limit()), path.name)
    return replace(photo, path=path)


def from_pillow(image: Image.Image, name: str = "picture") -> Photo:
    """A Pillow picture of any mode, upright and in sRGB as `read` gives it; it is not changed.

    Raises:
        ImageError: its data are damaged, or of a mode that cannot be converted.
    """
    with _explained(name):
        image.load()
        icc, exif = image.info.get("icc_profile"), public_exif(image)
        rgb, alpha = pixels(_upright(image), icc)
    return Photo(rgb, alpha, icc, exif, name)


def read_metadata(source: str | Path | BinaryIO) -> dict[str, str]:
    """The texts that `write` put into a picture; empty if there are none.

    Raises:
        UsageError, ImageError: as `read`.
    """
    with _opened(source) as (stream, name, _), _explained(name):
        image = _open(stream, name, _pixel_limit())
        if carrier_of(image.format) == PNG_TEXT:
            image.load()  # text may stand behind the pixels
        return texts_of(image)


def carries_texts(path: Path) -> bool:
    """Whether a picture says in its head that `write` made it; its pixels are not read."""
    try:
        with _explained(path.name), path.open("rb") as stream:
            return bool(texts_of(_open(stream, path.name, _pixel_limit())))
    except (OSError, HasnetError):
        return False  # whoever reads it whole says what is wrong


def reason_of(error: BaseException) -> str:
    """What an error says, in one line without a full stop."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].rstrip(".")


def _pixel_limit() -> int:
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
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _too_long(name)
    return data


def _too_long(name: str) -> ImageError:
    return ImageError(f"{name} holds more than {MAX_BYTES >> 20} MiB.")


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


def _open(stream: BinaryIO, name: str, max_pixels: int) -> Image.Image:
    """Read the header and judge it; no pixel is decoded yet."""
    head = stream.read(32)
    stream.seek(0)
    if not head:
        raise ImageError(f"{name} is empty (zero bytes).")
    formats = readable_formats()
    try:
        with _OPEN_LOCK, _no_bomb_limit():
            image = Image.open(stream, formats=formats)
    except UnidentifiedImageError as error:
        if head[4:8] == b"ftyp" and "HEIF" not in formats:
            raise ImageError(
                f"{name} looks like a HEIC picture, which needs another package to be read.",
                "Run: pip install pillow-heif",
            ) from error
        raise ImageError(f"{name} is not a picture that can be read.") from error
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            f"{name} has {width}x{height} pixels, more than the limit of {max_pixels}.",
            f"If you trust the file, set {MAX_PIXELS_VARIABLE} to a higher number.",
        )
    return image


@contextlib.contextmanager
def _no_bomb_limit() -> Iterator[None]:
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF: the pixels are sound all the same
        return image
