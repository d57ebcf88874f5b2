"""The record of a picture, and its transparency."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture, upright and in sRGB.

    Attributes:
        rgb: uint8 (H, W, 3); a transparent picture lies over white.
        alpha: uint8 (H, W), or None if every pixel is opaque.
        icc: the profile that the file had (the pixels are converted already), or None.
        exif: the EXIF block that may be passed on, orientation 1, or None.
        name: file name for messages; "<stdin>" for a stream.
        path: where it was read from; None for a stream.
        notes: for the user, on what of the file was not taken, one sentence each.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    name: str = "picture"
    path: Path | None = None
    notes: tuple[str, ...] = ()


def over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture (H, W, 3) as it looks on white paper, with its alpha (H, W)."""
    a = alpha[..., None].astype(np.uint16)  # the sum stays below 2**16
    return ((rgb * a + 255 * (255 - a) + 127) // 255).astype(np.uint8)


def off_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The inverse of `over_white`, as far as 8 bits allow; white where nothing is visible."""
    straight = rgb.copy()
    soft = (alpha > 0) & (alpha < 255)
    a = alpha[soft, None].astype(np.float32)
    values = 255 - (255 - rgb[soft].astype(np.float32)) * (255 / a)
    straight[soft] = (values.clip(0, 255) + 0.5).astype(np.uint8)
    straight[alpha == 0] = 255
    return straight
