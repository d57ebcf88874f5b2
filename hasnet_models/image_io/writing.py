"""Pictures out: judged before the work, encoded in memory, written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hasnet_models.atomic import check_replaceable, replacing
from hasnet_models.errors import ImageError, UsageError
from hasnet_models.filenames import STREAM
from hasnet_models.image_io.colour_profile import srgb_bytes
from hasnet_models.image_io.formats import PNG, Format, format_of
from hasnet_models.image_io.metadata import save_options
from hasnet_models.image_io.photo import Photo, off_white
from hasnet_models.image_io.reading import reason_of

DEFAULT_QUALITY = 95


def write(
    image: NDArray[np.uint8] | Photo,
    path: str | Path,
    *,
    quality: int = DEFAULT_QUALITY,
    metadata: Mapping[str, str] | None = None,
    source: Photo | None = None,
) -> None:
    """Save a picture, whole or not at all (temporary name in the same folder, fsync, rename).

    Args:
        image: uint8 (H, W, 3) in sRGB, or a `Photo`, whose alpha is kept if the format has one.
        path: the suffix gives the format; "-" writes PNG to standard output.
        quality: 1..100, for JPEG, WebP (100 is lossless there), AVIF and HEIC.
        metadata: texts to store in the file, not in BMP.
        source: the photo that the picture was made from; its EXIF is passed on and its file is
            never overwritten. A `Photo` is its own source.

    Raises:
        UsageError: the suffix is unknown, the folder missing, the target the source's own file.
        ImageError: the picture cannot be encoded or the file not be written.
    """
    photo = image if isinstance(image, Photo) else Photo(_checked(image))
    source = source or photo
    texts = metadata or {}
    if not 1 <= quality <= 100:
        raise UsageError(
            f"The quality must be between 1 and 100, not {quality}.", parameters=("quality",)
        )
    if str(path) == STREAM:
        _write_stdout(_encoded(photo, PNG, quality, texts, source.exif, "standard output"))
        return
    target = _target(path)
    _refuse_source(target, source)
    data = _encoded(photo, format_of(target), quality, texts, source.exif, target.name)
    with _explained(target), replacing(target) as file:
        file.write(data)


def encode(rgb: NDArray[np.uint8], suffix: str, quality: int = DEFAULT_QUALITY) -> bytes:
    """The bytes of a picture file, for embedding it elsewhere.

    Args:
        rgb: uint8 (H, W, 3) in sRGB.
        suffix: such as ".jpg"; gives the format.

    Raises:
        UsageError, ImageError: as `write`.
    """
    name = Path("picture" + suffix)
    return _encoded(Photo(_checked(rgb)), format_of(name), quality, {}, None, name.name)


def check_writable(path: str | Path, source: Photo | None = None) -> None:
    """Find out before the work starts whether `write` will be able to write here.

    Raises:
        UsageError, ImageError: as `write`.
    """
    if str(path) == STREAM:
        return
    target = _target(path)
    format_of(target)
    _refuse_source(target, source)
    with _explained(target):
        check_replaceable(target)


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
    return image


def _target(path: str | Path) -> Path:
    """The file to be written, symbolic links followed (a link is kept, not replaced)."""
    path = Path(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.stat()  # raises where is_dir() would only say no: a null byte, a name too long
        target = path.resolve() if path.is_symlink() else path
        if target.is_dir():
            raise UsageError(f"{path} is a folder; give a file name.")
        if not target.parent.is_dir():
            raise UsageError(f"There is no folder {target.parent} to write {target.name} into.")
        if target.exists() and not target.is_file():
            raise UsageError(f"{path} is not an ordinary file.")
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"The path {str(path)!r} cannot be used: {reason_of(error)}.") from error
    return target


def _refuse_source(target: Path, source: Photo | None) -> None:
    if source is None or source.path is None:
        return
    with contextlib.suppress(OSError):  # one of the two does not exist
        if source.path.samefile(target):
            raise UsageError(f"{target} is the input itself; give another output name.")


def _encoded(
    photo: Photo,
    format_: Format,
    quality: int,
    texts: Mapping[str, str],
    exif: bytes | None,
    name: str,
) -> bytes:
    options = format_.options(quality) | save_options(format_, texts, exif)
    if format_.profile:
        options["icc_profile"] = srgb_bytes()
    buffer = io.BytesIO()
    try:
        _image_of(photo, format_).save(buffer, format_.name, **options)
    except Exception as error:  # each encoder has its own limits and its own exceptions
        raise ImageError(
            f"{name} cannot be encoded as {format_.name}: {reason_of(error)}."
        ) from error
    return buffer.getvalue()


def _image_of(photo: Photo, format_: Format) -> Image.Image:
    if photo.alpha is None or not format_.alpha:
        return Image.fromarray(np.ascontiguousarray(photo.rgb))
    straight = off_white(photo.rgb, photo.alpha)
    return Image.fromarray(np.dstack([straight, photo.alpha]))


def _write_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise ImageError(f"Standard output cannot be written: {reason_of(error)}.") from error


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImageError(f"{target} cannot be written: {reason_of(error)}.") from error
