"""CIE Lab of a few colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.opencv import cv2


def to_lab(rgb: ArrayLike) -> NDArray[np.float32]:
    """sRGB 0..255 (..., 3) -> L in 0..100, a and b beside it, float32 of the same shape."""
    colours = np.asarray(rgb, np.float32)
    row = colours.reshape(1, -1, 3) / 255
    return cv2.cvtColor(row, cv2.COLOR_RGB2LAB).reshape(colours.shape)


def from_lab(lab: ArrayLike) -> NDArray[np.uint8]:
    """The inverse of `to_lab`, rounded; what sRGB cannot show is clipped."""
    colours = np.asarray(lab, np.float32)
    row = cv2.cvtColor(colours.reshape(1, -1, 3), cv2.COLOR_LAB2RGB)
    return np.round(row * 255).clip(0, 255).astype(np.uint8).reshape(colours.shape)
