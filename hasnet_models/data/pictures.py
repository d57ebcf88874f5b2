"""Pictures of faces: found, read, cut square, known by their content."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.errors import ImageError
from hasnet_models.opencv import cv2

MIN_SIDE = 32
_UNREADABLE = "unreadable"


def picture_files(folder: Path) -> list[Path]:
    """The picture files of a folder (not of folders inside it), sorted; hidden ones left out."""
    suffixes = image_io.SUFFIXES
    return sorted(p for p in folder.iterdir() if p.name[0] != "." and p.suffix.lower() in suffixes)


def read_face(source: Path | io.BytesIO, size: int) -> np.ndarray:
    """One aligned face as uint8 (size, size, 3); what is not square is cut to its centre.

    Raises:
        HasnetError: it cannot be read as a picture, or a side is below ``MIN_SIDE`` px.
    """
    return square(image_io.read(source).rgb, size)


def square(rgb: np.ndarray, size: int) -> np.ndarray:
    """The largest square in the middle of a picture, uint8 (size, size, 3).

    Raises:
        ImageError: a side is below ``MIN_SIDE`` px.
    """
    height, width = rgb.shape[:2]
    side = min(height, width)
    if side < MIN_SIDE:
        raise ImageError(f"it has {width}x{height} px, and {MIN_SIDE} px a side are the least.")
    top, left = (height - side) // 2, (width - side) // 2
    cut = np.ascontiguousarray(rgb[top : top + side, left : left + side])
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return cut if side == size else cv2.resize(cut, (size, size), interpolation=method)


def content_hash(data: bytes) -> str:
    """What caches and imports know a picture by: 24 hexadecimal digits of SHA-256."""
    return hashlib.sha256(data).hexdigest()[:24]


def file_hash(path: Path) -> str:
    """The content hash of a file; a word that is no hash where it cannot be read."""
    try:
        return content_hash(path.read_bytes())
    except OSError:
        return _UNREADABLE
