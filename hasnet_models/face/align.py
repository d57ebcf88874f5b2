"""The aligned crop, cut out of a photo by a similarity of `hasnet_models.frame`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.frame import CROP_SIZE, invert, rescaled, scale_of, transform
from hasnet_models.opencv import cv2

# Beyond the photo stands a mean of what is near its edge, over this share of the distance to it:
# farther away there is less and less to be seen.
_REACH = 0.6
_PRIOR = 1e-3  # weight of the mean of all that is seen, which is what is left far away
_GRID = 128  # side of the grid on which the share beyond the photo is counted


def warp(rgb: NDArray[np.uint8], matrix: NDArray, size: int = CROP_SIZE) -> NDArray[np.uint8]:
    """Cut the crop out of a photo.

    Shrinking averages over areas first, so that nothing aliases. Beyond the photo its colours go
    on as a haze. A mirror image, as in FFHQ's own crops, would show the face a second time.

    Args:
        rgb: uint8 (H, W, 3).
        matrix: (2, 3), photo to crop.
        size: side of the crop in px.

    Returns:
        uint8 (size, size, 3).
    """
    crop = resample(rgb, matrix, size, size, cv2.BORDER_REPLICATE)
    outside = _distance_outside(rgb.shape[:2], matrix, size)
    if not outside.any() or outside.all():
        return crop
    return _hazy(crop, outside)


def share_outside(shape: tuple[int, ...], matrix: NDArray) -> float:
    """How much of a crop lies beyond its photo, 0..1.

    Args:
        shape: height and width of the photo.
        matrix: (2, 3), photo to a crop of CROP_SIZE px.
    """
    coarse = rescaled(matrix, _GRID / CROP_SIZE)
    return float((_distance_outside(shape[:2], coarse, _GRID) > 0).mean())


def _hazy(crop: NDArray[np.uint8], outside: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A crop with what is seen spread beyond the photo's edges: means over 1, 2, 4, ... px.

    Args:
        crop: uint8 (S, S, 3), repeating the edge where nothing is seen.
        outside: float32 (S, S), px to the photo; 0 somewhere.
    """
    seen = (outside == 0).astype(np.float32)[..., None]
    known = np.concatenate([crop * seen, seen], axis=2)
    mean = known.sum((0, 1)) / known[..., 3].sum()
    known += _PRIOR * mean
    levels = int(np.log2(len(crop)))
    places = np.flatnonzero(outside)
    level = np.log2(np.maximum(_REACH * outside.ravel()[places], 1)).clip(0, levels)[:, None]
    hazy = crop.reshape(-1, 3).copy()
    haze = hazy[places] * (1 - level).clip(0)
    for i in range(1, levels + 1):
        share = (1 - np.abs(level - i)).clip(0)
        near = np.flatnonzero(share)
        if len(near):
            haze[near] += share[near] * _spread(known, i, places[near])
    hazy[places] = (haze + 0.5).clip(0, 255)
    return hazy.reshape(crop.shape)


def _spread(
    known: NDArray[np.float32], level: int, places: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Weighted means (N, 3) over about 2 ** level px of (S, S, 4), the weight being last.

    Args:
        places: (N,), of its pixels row by row.
    """
    side = len(known)
    cells = max(1, side >> level)
    coarse = cv2.resize(known, (cells, cells), interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    fine = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR)
    seen = fine.reshape(-1, 4)[places]
    return seen[:, :3] / seen[:, 3:]


def resample(picture: NDArray, matrix: NDArray, width: int, height: int, border: int) -> NDArray:
    """Warp by a similarity without aliasing; only the part that is seen is touched.

    Args:
        picture: (H, W) or (H, W, C), uint8 or float32.
        matrix: (2, 3), picture to result.
        width, height: size of the result in px.
        border: OpenCV's border mode beyond the picture.
    """
    part, matrix = _visible_part(picture, matrix, width, height)
    scale = scale_of(matrix)
    if scale < 1:
        part, matrix = _reduced(part, matrix, scale)
    return cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=border)


def resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square picture (S, S, C) at another side, without aliasing."""
    if picture.shape[0] == side:
        return picture
    matrix = rescaled(np.eye(2, 3), side / picture.shape[0])
    return resample(picture, matrix, side, side, cv2.BORDER_REPLICATE)


def _visible_part(
    picture: NDArray, matrix: NDArray, width: int, height: int
) -> tuple[NDArray, NDArray]:
    """The part of the picture that the result shows, with the edge where it sees beyond."""
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    seen = transform(corners, invert(matrix))
    margin = 3 + 2 / scale_of(matrix)  # for the cubic kernel
    bounds = []
    for low, high, length in zip(
        seen.min(0) - margin, seen.max(0) + margin, picture.shape[1::-1], strict=True
    ):
        first = int(np.clip(np.floor(low), 0, length - 1))
        bounds.append((first, int(np.clip(np.ceil(high) + 1, first + 1, length))))
    (left, right), (top, bottom) = bounds
    shifted = matrix.copy()
    shifted[:, 2] = transform(np.array([[left, top]]), matrix)[0]
    return picture[top:bottom, left:right], shifted


def _reduced(picture: NDArray, matrix: NDArray, scale: float) -> tuple[NDArray, NDArray]:
    """Shrink by area averaging, so that the matrix that remains (hardly) scales any more."""
    height, width = picture.shape[:2]
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_AREA)
    kx, ky = width / new_width, height / new_height
    back = np.array([[kx, 0, (kx - 1) / 2], [0, ky, (ky - 1) / 2], [0, 0, 1]])
    return small, matrix @ back


def _distance_outside(shape: tuple[int, ...], matrix: NDArray, size: int) -> NDArray[np.float32]:
    """How far each crop pixel lies beyond the photo, in crop px; 0 inside."""
    height, width = shape
    inverse = invert(matrix)
    far = np.zeros((size, size), np.float32)
    corners = transform(np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * (size - 1), inverse)
    if (corners >= 0).all() and (corners <= [width - 1, height - 1]).all():
        return far
    grid = np.arange(size, dtype=np.float32)
    x = inverse[0, 0] * grid[None] + inverse[0, 1] * grid[:, None] + inverse[0, 2]
    y = inverse[1, 0] * grid[None] + inverse[1, 1] * grid[:, None] + inverse[1, 2]
    beyond_x = np.maximum(-0.5 - x, x - (width - 0.5)).clip(0)
    beyond_y = np.maximum(-0.5 - y, y - (height - 0.5)).clip(0)
    beyond = (beyond_x > 0) | (beyond_y > 0)
    far[beyond] = np.hypot(beyond_x[beyond], beyond_y[beyond]) * scale_of(matrix)
    return far
