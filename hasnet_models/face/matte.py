"""Soft masks brought to a picture's own edges (guided filter; He, Sun and Tang 2010, 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.opencv import cv2

_SIDE = 512  # at most so large the filter's coefficients are found
_EPS = 1e-4  # variance of the guide (0..1) below which there is no edge
_RADIUS = 0.02  # of the window, as a share of the longer side
_FRONT_SIDE = 1024
_COLOUR_RADIUS = (0.08, 0.012)  # first and second pass of `foreground`
_ISLAND = 0.1  # area of a part of the mask that stays, in areas of the largest
_CONTRAST = 0.12  # what of the mask counts as nothing at either end


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
    r, g, b = (guide[..., i] for i in range(3))
    products = [_box(x, reach) for x in (r * r, g * g, b * b, r * g, r * b, g * b)]
    m = mean[..., 0], mean[..., 1], mean[..., 2]
    pairs = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    rr, gg, bb, rg, rb, gb = (p - m[i] * m[j] for p, (i, j) in zip(products, pairs, strict=True))
    return _inverse(rr + eps, gg + eps, bb + eps, rg, rb, gb), mean


def _inverse(
    rr: NDArray, gg: NDArray, bb: NDArray, rg: NDArray, rb: NDArray, gb: NDArray
) -> NDArray:
    """Of symmetric matrices, (H, W, 3, 3), by their adjugates; LAPACK has a call for each pixel."""
    a, b, c = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    d, e, f = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    adjugate = np.stack([a, b, c, b, d, e, c, e, f], axis=2)
    determinant = rr * a + rg * b + rb * c
    return (adjugate / determinant[..., None]).reshape(*rr.shape, 3, 3)


def _box(x: NDArray, reach: int) -> NDArray:
    return cv2.blur(x, (reach, reach), borderType=cv2.BORDER_REFLECT)


def matte(person: NDArray[np.float32], rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A person mask brought to the picture's edges, hair to hair, without what is no person.

    Args:
        person: float32 (h, w) 0..1, of the same frame as the picture.
        rgb: uint8 (H, W, 3).

    Returns:
        float32 (H, W), 0..1.
    """
    (soft,) = guided(solid(person)[None], rgb, _RADIUS)
    return ((soft - _CONTRAST) / (1 - 2 * _CONTRAST)).clip(0, 1)


def solid(person: NDArray[np.float32]) -> NDArray[np.float32]:
    """A person mask (h, w) without its small islands: chairs, shadows, people far away."""
    sure = (person > 0.5).astype(np.uint8)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(sure)
    areas = facts[1:, cv2.CC_STAT_AREA]
    if not len(areas):
        return person
    kept = 1 + np.flatnonzero(areas >= _ISLAND * areas.max())
    reach = 2 * max(1, round(_RADIUS * max(person.shape))) + 1
    around = cv2.dilate(np.isin(labels, kept).astype(np.uint8), np.ones((reach, reach), np.uint8))
    return person * around


def foreground(rgb: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The colours of what stands before the ground, free of the ground's at soft edges.

    Blur fusion (Forte 2021): the pixel is alpha F + (1 - alpha) B; with the mean F and B around it
    F is corrected by what they leave unexplained, twice, from a wide and a narrow neighbourhood.
    In a large picture F is found at 1024 px, and stands at its soft edges alone.

    Args:
        rgb: uint8 (H, W, 3).
        alpha: float32 (H, W), 0..1.

    Returns:
        float32 (H, W, 3), 0..255.
    """
    height, width = alpha.shape
    k = _FRONT_SIDE / max(height, width)
    if k < 1:
        size = (max(1, round(width * k)), max(1, round(height * k)))
        small = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (rgb, alpha))
        front = cv2.resize(foreground(*small), (width, height))
        front += alpha[..., None] * (rgb - front)
        return front
    image = rgb.astype(np.float32)
    a = alpha[..., None]
    front = back = image
    for share in _COLOUR_RADIUS:
        reach = 2 * max(1, round(share * max(alpha.shape))) + 1
        front_mean = _weighted_box(front, alpha, reach)
        back = _weighted_box(back, 1 - alpha, reach)
        front = (front_mean + a * (image - a * front_mean - (1 - a) * back)).clip(0, 255)
    return front


def _weighted_box(x: NDArray, weights: NDArray, reach: int) -> NDArray:
    total = _box(weights, reach)[..., None]
    return _box(x * weights[..., None], reach) / np.maximum(total, 1e-4)
