"""CIE Lab (D65) of sRGB colours, both ways, in numpy.

OpenCV's conversion starts by filling tables of some 100,000 values in software arithmetic, which
takes longer than all that an avatar converts; what is converted here are palettes and small maps.
It interpolates in them, and is off by up to 0.4; this is exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# linear sRGB to X, Y and Z, each in shares of the white
_XYZ = np.array(
    [
        [0.412453 / 0.950456, 0.357580 / 0.950456, 0.180423 / 0.950456],
        [0.212671, 0.715160, 0.072169],
        [0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754],
    ]
)
_FROM_XYZ = np.linalg.inv(_XYZ).astype(np.float32).T
_TO_XYZ = _XYZ.astype(np.float32).T
_DARK, _SLOPE, _OFFSET = 216 / 24389, 841 / 108, 4 / 29  # below which the cube root is a line
_DARK_ROOT = 6 / 29


def to_lab(rgb: ArrayLike) -> NDArray[np.float32]:
    """sRGB 0..255 (..., 3) -> L in 0..100, a and b beside it, float32 of the same shape."""
    colours = np.asarray(rgb)
    levels = colours.dtype == np.uint8
    light = _LIGHT[colours] if levels else _linear(colours.astype(np.float32) / 255)
    xyz = light @ _TO_XYZ
    x, y, z = np.moveaxis(np.where(xyz > _DARK, np.cbrt(xyz), _SLOPE * xyz + _OFFSET), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def from_lab(lab: ArrayLike) -> NDArray[np.uint8]:
    """The inverse of `to_lab`, rounded; what sRGB cannot show is clipped."""
    top, a, b = np.moveaxis(np.asarray(lab, np.float32), -1, 0)
    y = (top + 16) / 116
    roots = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    xyz = np.where(roots > _DARK_ROOT, roots**3, (roots - _OFFSET) / _SLOPE).astype(np.float32)
    light = (xyz @ _FROM_XYZ).clip(0, 1)
    gamma = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    rgb = np.where(light <= 0.0031308, 12.92 * light, gamma)
    return np.round(rgb * 255).clip(0, 255).astype(np.uint8)


def _linear(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light of sRGB 0..1."""
    gamma = ((np.maximum(rgb, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(rgb <= 0.04045, rgb / 12.92, gamma).astype(np.float32)


_LIGHT = _linear(np.arange(256, dtype=np.float32) / 255)
