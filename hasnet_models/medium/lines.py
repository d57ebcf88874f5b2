"""Drawn outlines: difference of Gaussians, drawn out along the flow and thresholded softly.

Winnemoeller, Kyprianidis and Olsen, "XDoG: an extended difference-of-Gaussians compendium"
(Computers & Graphics 2012); along the flow after Kang, Lee and Chui (NPAR 2007).
"""

from __future__ import annotations

import numpy as np

from hasnet_models.medium.lic import along
from hasnet_models.medium.scale import Field, blur
from hasnet_models.medium.tangent_flow import Flow
from hasnet_models.opencv import cv2

_RATIO = 1.6
_SHARE = 0.99


def differences(gray: Field, flow: Flow, sigma: float, length: float) -> Field:
    """Flow-based difference of Gaussians; negative on the dark side of an edge.

    Args:
        gray: luma, float32 (H, W), 0..1.
        flow: of the same size.
        sigma: of the inner Gaussian, px: half the width of a line.
        length: deviation along the flow, px.
    """
    inner = blur(gray, sigma)
    return along(inner - np.float32(_SHARE) * blur(gray, _RATIO * sigma), flow, length)


def threshold(difference: Field, sharpness: float, level: float = 0.0) -> Field:
    """Line picture: 1 where there is none, towards 0 in a line; `level` above 0 draws more."""
    return 1 + np.tanh(np.minimum(np.float32(sharpness) * (difference - np.float32(level)), 0))


def short(difference: Field, level: float, least: float) -> Field:
    """1 in lines that reach over fewer than `least` px of rows and of columns, else 0.

    Args:
        difference: of :func:`differences`.
        level: a line is where it is below this.
    """
    drawn = (difference < level).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    reach = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    return ((reach < least).astype(np.float32)[labels]) * drawn
