"""What tells a TIFF, and what the tags of one say of its numbers; Pillow's TIFF is not imported."""

from __future__ import annotations

from typing import Any

from PIL import ExifTags, Image

_Base = ExifTags.Base
HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two of a BigTIFF


def is_tiff(head: bytes) -> bool:
    """Whether a file with these first bytes is a TIFF, or a raw file that is one within."""
    return head.startswith(HEADS)


def white_is_zero(image: Image.Image) -> bool:
    """Whether a picture's deep numbers count from white to black, which Pillow leaves so."""
    tags = getattr(image, "tag_v2", None)
    deep = image.mode == "F" or image.mode.startswith("I")
    return deep and tags is not None and one(tags, _Base.PhotometricInterpretation) == 0


def bits_of(image: Image.Image) -> int | None:
    """Bits of a sample, where the picture is a TIFF that says so."""
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else one(tags, _Base.BitsPerSample)


def one(tags: Any, tag: int) -> int | None:
    """A whole number of a directory, the first of several; None where there is none."""
    value = tags.get(tag)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else None
