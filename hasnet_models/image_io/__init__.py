"""Pictures in and out: the only place that opens or saves pixel files.

In: JPEG, PNG, WebP, TIFF, BMP, GIF (first frame), AVIF, and HEIC where pillow-heif is installed.
Whatever the file holds becomes 8-bit sRGB, upright:

* the EXIF orientation is applied first;
* 16-bit and 32-bit integers and floats are scaled to 0..255, never clipped (see `modes`);
* an ICC profile is converted to sRGB by what it does, whatever its name (a damaged or unfitting
  profile is ignored);
* of a TIFF whose first picture is a thumbnail (DNG too) the largest that can be decoded is taken,
  else a TIFF's first page; numbers that count from white to black are turned;
* damaged or too large metadata are left out, and `Photo.notes` says so;
* a transparent picture is laid over white, because the colours below zero alpha are arbitrary;
  its alpha is kept beside it, and `write` takes the white out again, so that soft edges get no
  halo on another background.

Out: the suffix gives the format (`formats` is the table). Files carry an sRGB profile, the harmless
part of the source's EXIF (camera, exposure, date, author, copyright; no place, serial numbers,
owner, maker note) and a dictionary of texts that `read_metadata` reads back (BMP holds neither).
TIFF is not compressed, because Pillow's compressed TIFF cannot hold EXIF. A file appears whole or
not at all. Every error is an `ImageError` or a `UsageError` of one sentence. What Pillow warns of
(damaged metadata beside sound pixels) is left to the host's warning filters.
"""

from __future__ import annotations

from hasnet_models.image_io.formats import SUFFIXES, check_alpha
from hasnet_models.image_io.photo import Photo
from hasnet_models.image_io.reading import (
    DEFAULT_MAX_PIXELS,
    MAX_PIXELS_VARIABLE,
    carries_texts,
    decode,
    file_bytes,
    from_pillow,
    open_header,
    pixel_limit,
    read,
    read_metadata,
)
from hasnet_models.image_io.writing import DEFAULT_QUALITY, check_writable, encode, write

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "DEFAULT_QUALITY",
    "MAX_PIXELS_VARIABLE",
    "SUFFIXES",
    "Photo",
    "carries_texts",
    "check_alpha",
    "check_writable",
    "decode",
    "encode",
    "file_bytes",
    "from_pillow",
    "open_header",
    "pixel_limit",
    "read",
    "read_metadata",
    "write",
]
