"""The formats that are written, one record each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from hasnet_models.errors import UsageError
from hasnet_models.filenames import STREAM
from hasnet_models.image_io.openers import register

# Where a format keeps the texts of `write`.
EXIF_COMMENT = "EXIF UserComment"
PNG_TEXT = "PNG text"
GIF_COMMENT = "GIF comment"

Options = Callable[[int], dict[str, Any]]


def _no_options(_quality: int) -> dict[str, Any]:
    return {}


def _quality(quality: int) -> dict[str, Any]:
    return {"quality": quality}


def _jpeg(quality: int) -> dict[str, Any]:
    return {"quality": quality, "subsampling": 0 if quality >= 90 else 2}


def _webp(quality: int) -> dict[str, Any]:
    return {"quality": quality, "lossless": quality == 100}


def _png(_quality: int) -> dict[str, Any]:
    # zlib's own, 6, takes twice as long and makes an avatar's file 5 % smaller
    return {"compress_level": 4}


@dataclass(frozen=True)
class Format:
    """A format of picture files.

    Attributes:
        name: Pillow's.
        suffixes: in lower case; each stands for this format.
        carrier: where texts are kept, or None where there is no place.
        alpha, exif, profile: whether it holds an alpha channel, EXIF, an ICC profile.
        options: quality 1..100 -> what Pillow's encoder is told.
        package: what brings it, where Pillow alone may not.
    """

    name: str
    suffixes: tuple[str, ...]
    carrier: str | None
    alpha: bool = True
    exif: bool = True
    profile: bool = True
    options: Options = _no_options
    package: str = "a Pillow that was built with it"


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), EXIF_COMMENT, alpha=False, options=_jpeg),
    Format("PNG", (".png",), PNG_TEXT, options=_png),
    Format("WEBP", (".webp",), EXIF_COMMENT, options=_webp),
    Format("TIFF", (".tif", ".tiff"), EXIF_COMMENT),
    Format("BMP", (".bmp",), None, alpha=False, exif=False, profile=False),
    Format("GIF", (".gif",), GIF_COMMENT, exif=False, profile=False),
    Format("AVIF", (".avif",), EXIF_COMMENT, options=_quality),
    Format("HEIF", (".heic", ".heif"), EXIF_COMMENT, options=_quality, package="pillow-heif"),
)
BY_SUFFIX = {suffix: format_ for format_ in FORMATS for suffix in format_.suffixes}
BY_NAME = {format_.name: format_ for format_ in FORMATS}
# Suffixes of pictures that are read; the last are of formats that are read only (see `openers`).
SUFFIXES = (*BY_SUFFIX, ".mpo", ".dib")
PNG = BY_NAME["PNG"]


def named(name: str) -> Format:
    """The format that Pillow calls so; what saves its files is registered, where there is any."""
    register(name)
    return BY_NAME[name]


def carrier_of(name: str | None) -> str | None:
    """Where files of Pillow's format `name` keep texts; EXIF in formats that are only read."""
    return BY_NAME[name].carrier if name in BY_NAME else EXIF_COMMENT


def check_alpha(path: Path) -> None:
    """Raises UsageError where the suffix names a format without transparency."""
    if str(path) != STREAM and not format_of(path).alpha:
        suffixes = " ".join(format_.suffixes[0] for format_ in FORMATS if format_.alpha)
        raise UsageError(f"{path.name} cannot be transparent.", f"Use one of: {suffixes}")


def format_of(path: Path) -> Format:
    """The format that the suffix stands for.

    Raises:
        UsageError: the suffix is unknown, or the format cannot be written here.
    """
    found = BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        what = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise UsageError(
            f"{path.name} has {what}, which names no picture format.",
            f"Use one of: {' '.join(BY_SUFFIX)}",
        )
    register(found.name)
    if found.name not in Image.SAVE:
        raise UsageError(f"Writing {path.suffix} needs {found.package}.")
    return found
