"""Soft masks brought to a picture's own edges (guided filter; He, Sun and Tang 2010, 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.opencv import cv2

_SIDE = 512  # at most so large the filter's coefficients are found
_EPS = 1e-4  # variance of the guide (0..1) below which there is no edge
_RADIUS = 0.02  # of the window, as a share of the longer side
_COLOUR_RADIUS = (0.08, 0.012)  # first and second pass of `foreground`
_CONTRAST = 0.06  # what of the mask counts as nothing at either end


def guided(
    planes: NDArray[np.float32], guide: NDArray[np.uint8], radius: float, eps: float = _EPS
) -> NDArray[np.float32]:
    """Planes brought to the edges of a picture: in each window a linear function of its colours.

    Args:
        planes: (C, h, w), of the same frame as the guide, of any size.
        guide: uint8 (H, W, 3).
        radius: of the windows, as a share of the guide's longer side.
        eps: variance of the guide in 0..1 that counts as none.

    Returns:
        float32 (C, H, W), not clipped. The function is found at 512 px at most and applied at H, W.
    """
    height, width = guide.shape[:2]
    k = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * k)), max(1, round(height * k)))
    small = cv2.resize(guide, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    reach = 2 * max(1, round(radius * max(size))) + 1
    inverse, mean = _spread(small, reach, eps)
    large = guide.astype(np.float32) / 255
    out = np.empty((len(planes), height, width), np.float32)
    for plane, result in zip(planes, out, strict=True):
        p = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
        mean_p = _box(p, reach)
        covariance = _box(small * p[..., None], reach) - mean * mean_p[..., None]
        slope = np.einsum("hwij,hwj->hwi", inverse, covariance)
        offset = mean_p - (slope * mean).sum(2)
        slope, offset = _box(slope, reach), _box(offset, reach)
        slope, offset = (cv2.resize(x, (width, height)) for x in (slope, offset))
        result[:] = (slope * large).sum(2) + offset
    return out


def _spread(guide: NDArray, reach: int, eps: float) -> tuple[NDArray, NDArray]:
    """The inverse covariance (H, W, 3, 3) of the guide's colours in each window, and their mean."""
    mean = _box(guide, reach)
    products = (guide[..., :, None] * guide[..., None, :]).reshape(*guide.shape[:2], 9)
    squares = np.concatenate([_box(products[..., i : i + 3], reach) for i in (0, 3, 6)], axis=2)
    covariance = squares.reshape(*guide.shape, 3) - mean[..., :, None] * mean[..., None, :]
    return np.linalg.inv(covariance + eps * np.eye(3, dtype=np.float32)), mean


def _box(x: NDArray, reach: int) -> NDArray:
    return cv2.blur(x, (reach, reach), borderType=cv2.BORDER_REFLECT)
