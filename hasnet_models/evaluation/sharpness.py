"""Sharpness: how strong a picture's edges are, beside those of the domain's own pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.opencv import cv2


def edge_energy(rgb: NDArray[np.uint8]) -> float:
    """The mean length of the gradient of L (0..100) by Scharr's filter, in L a pixel.

    Args:
        rgb: uint8 (S, S, 3); pictures compare at one side.
    """
    lightness = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
    dx, dy = (cv2.Scharr(lightness, cv2.CV_32F, *order) / 32 for order in ((1, 0), (0, 1)))
    return float(np.hypot(dx, dy).mean())
