"""Pillow's modules for the formats that are read and written here, imported when a file needs them.

`Image.open` imports those of five formats for any stream, and `Image.init` those of all formats
that Pillow knows. What a file begins with says which one it needs.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import struct
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from hasnet_models.image_io import png_chunks, tiff_tags

# Pillow's name of a format -> that of its module. MPO is what many phones write under .jpg, DIB a
# BMP without its head. Other formats of Pillow stay closed: some are seldom used and badly tested,
# one runs Ghostscript.
_MODULES = {
    "JPEG": "Jpeg",
    "MPO": "Mpo",
    "PNG": "Png",
    "WEBP": "WebP",
    "TIFF": "Tiff",
    "BMP": "Bmp",
    "DIB": "Bmp",
    "GIF": "Gif",
    "AVIF": "Avif",
}
_HEIF = "HEIF"

# What files begin with; all openers are shown a file that begins otherwise. An MPO is a JPEG that
# Pillow finds more pictures in.
_HEADS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (png_chunks.SIGNATURE,),
    "WEBP": (b"RIFF",),
    "TIFF": tiff_tags.HEADS,
    "BMP": (b"BM",),
    "GIF": (b"GIF87a", b"GIF89a"),
}
_HEAD = 16  # bytes that Pillow tells files apart by


@functools.cache
def register(name: str) -> None:
    """Import what opens and saves files of a format, by Pillow's name, where it is installed."""
    with contextlib.suppress(ImportError):
        if name == _HEIF:
            import pillow_heif

            pillow_heif.register_heif_opener()
        else:
            importlib.import_module(f"PIL.{_MODULES[name]}ImagePlugin")
    if name == "TIFF":
        from hasnet_models.image_io import tiff_pages

        tiff_pages.read_white_is_zero_too()


def readable_formats() -> tuple[str, ...]:
    """Pillow's names of what can be opened here; all of them are registered."""
    names = (*_MODULES, _HEIF)
    for name in names:
        register(name)
    return tuple(name for name in names if name in Image.OPEN)


def opened(stream: BinaryIO) -> Image.Image:
    """Pillow's picture of a seekable stream, no pixel of it decoded yet.

    Raises:
        UnidentifiedImageError: it is of no format that is read here, or its head is damaged; of
            damaged files Pillow raises others, too.
    """
    stream.seek(0)
    head = stream.read(_HEAD)
    name = next((name for name, heads in _HEADS.items() if head.startswith(heads)), None)
    if name is not None:
        register(name)
    factory, accepts = Image.OPEN.get(name or "", (None, None))
    # a plugin whose library is missing answers with a sentence
    if factory is None or accepts is None or accepts(head) is not True:
        return Image.open(stream, formats=readable_formats())
    stream.seek(0)
    try:
        return factory(stream, "")
    except (SyntaxError, IndexError, TypeError, struct.error) as error:  # as Image.open has it
        raise UnidentifiedImageError(f"no sound {name}") from error
