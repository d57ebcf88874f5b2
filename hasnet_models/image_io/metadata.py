"""What a file says beside its pixels: the public part of EXIF, and texts of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

from hasnet_models.image_io.formats import (
    EXIF_COMMENT,
    GIF_COMMENT,
    PNG_TEXT,
    Format,
    carrier_of,
)

TEXT_KEY = "hasnet"  # of the text that holds ours
_LONGEST = 2048  # bytes of one EXIF value that is passed on: all of them fit into a JPEG's 64 kB
_JPEG_MOST = 65533 - 6  # bytes of EXIF beside its head in the one segment of a JPEG
_COMMENT_PREFIX = b"ASCII\0\0\0"  # EXIF 2.3, UserComment: character code of 8 bytes, then the text

_Base, _Exif = ExifTags.Base, ExifTags.IFD.Exif
_PUBLIC_TAGS = (
    _Base.ImageDescription,
    _Base.Make,
    _Base.Model,
    _Base.Software,
    _Base.DateTime,
    _Base.Artist,
    _Base.Copyright,
)
_PUBLIC_EXIF_TAGS = (
    _Base.ExposureTime,
    _Base.FNumber,
    _Base.ISOSpeedRatings,
    _Base.DateTimeOriginal,
    _Base.DateTimeDigitized,
    _Base.OffsetTime,
    _Base.OffsetTimeOriginal,
    _Base.ExposureBiasValue,
    _Base.Flash,
    _Base.FocalLength,
    _Base.FocalLengthIn35mmFilm,
    _Base.LensMake,
    _Base.LensModel,
)


def public_exif(image: Image.Image) -> tuple[bytes | None, tuple[str, ...]]:
    """The tags that may be passed on, orientation 1; None if there are none or all is damaged.

    Beside it the names of tags that are left out because they are too long for some formats.
    """
    public, long = Image.Exif(), list[str]()
    try:
        exif = image.getexif()
        long += _copy_tags(exif, public, _PUBLIC_TAGS)
        long += _copy_tags(exif.get_ifd(_Exif), public.get_ifd(_Exif), _PUBLIC_EXIF_TAGS)
        if not len(public) and not public.get_ifd(_Exif):
            return None, tuple(long)
        public[_Base.Orientation] = 1
        return public.tobytes(), tuple(long)
    except Exception:  # EXIF is seldom sound, and never worth losing the picture
        return None, ()


def _copy_tags(old: Mapping, new: Image.Exif | dict, tags: tuple[_Base, ...]) -> list[str]:
    """Copy what is short enough; the names of the others."""
    there = {tag: old[tag] for tag in tags if tag in old}
    long = {tag: value for tag, value in there.items() if _length(value) > _LONGEST}
    new.update({int(tag): value for tag, value in there.items() if tag not in long})
    return [tag.name for tag in long]


def _length(value: Any) -> int:
    """About as many bytes as a value of EXIF takes."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    if isinstance(value, tuple):
        return 8 * len(value)
    return len(value) if isinstance(value, bytes) else 8


def texts_of(image: Image.Image) -> dict[str, str]:
    """The texts that `save_options` put into a file; empty if there are none."""
    import json

    try:
        found = json.loads(_carried(image))[TEXT_KEY]
        return {str(key): str(value) for key, value in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):  # somebody else's comment
        return {}


def _carried(image: Image.Image) -> str:
    """The one text that the format's carrier holds."""
    carrier = carrier_of(image.format)
    if carrier == PNG_TEXT:
        return getattr(image, "text", {}).get(TEXT_KEY, "")
    if carrier == GIF_COMMENT:
        return image.info.get("comment", b"").decode("ascii", "replace")
    comment = image.getexif().get_ifd(_Exif).get(_Base.UserComment, b"")
    raw = comment if isinstance(comment, bytes) else str(comment).encode()
    return raw.removeprefix(_COMMENT_PREFIX).decode("ascii", "replace")


def save_options(
    format_: Format, texts: Mapping[str, str], exif: bytes | None
) -> dict[str, Any]:
    """What Pillow's encoder is told, so that a file carries texts and EXIF.

    Args:
        exif: a block of `public_exif`, or None.
    """
    text = _text_of(texts) if texts else ""
    options: dict[str, Any] = {}
    if format_.carrier == PNG_TEXT and text:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text(TEXT_KEY, text)
        options["pnginfo"] = info
    elif format_.carrier == GIF_COMMENT and text:
        options["comment"] = text.encode("ascii")
    if format_.exif:
        comment = text if format_.carrier == EXIF_COMMENT else ""
        data = _exif_with(exif, comment)
        if format_.name == "JPEG" and len(data) > _JPEG_MOST:  # our texts before the source's
            data = _exif_with(None, comment)
        if data:
            options["exif"] = data
    return options


def _text_of(texts: Mapping[str, str]) -> str:
    import json

    return json.dumps({TEXT_KEY: dict(texts)})


def _exif_with(exif: bytes | None, text: str) -> bytes:
    """EXIF with a text of our own; empty if there is nothing in it."""
    block = Image.Exif()
    if exif:
        block.load(exif)
    if text:
        block.get_ifd(_Exif)[int(_Base.UserComment)] = _COMMENT_PREFIX + text.encode("ascii")
    return block.tobytes() if len(block) or block.get_ifd(_Exif) else b""
