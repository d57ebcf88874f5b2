"""The aligned crop, cut out of a photo by a similarity of `hasnet_models.frame`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.frame import CROP_SIZE, invert, rescaled, scale_of, transform
from hasnet_models.opencv import cv2

# Beyond the photo the mirrored picture goes over into a blurred one within this share of the side.
_BLUR_RAMP = 0.12
_BLUR_SIGMA = 0.03


def warp(rgb: NDArray[np.uint8], matrix: NDArray, size: int = CROP_SIZE) -> NDArray[np.uint8]:
    """Cut the crop out of a photo.

    Shrinking averages over areas first, so that nothing aliases; beyond the photo stands its
    mirror image, more and more blurred, as in FFHQ's own crops.

    Args:
        rgb: uint8 (H, W, 3).
        matrix: (2, 3), photo to crop.
        size: side of the crop in px.

    Returns:
        uint8 (size, size, 3).
    """
    # Not REFLECT_101, for which OpenCV 5 never returns when a side is a single pixel.
    crop = resample(rgb, matrix, size, size, cv2.BORDER_REFLECT)
    outside = _distance_outside(rgb.shape[:2], matrix, size)
    if not outside.any():
        return crop
    blurred = cv2.GaussianBlur(crop, (0, 0), max(1.0, _BLUR_SIGMA * size))
    weight = np.clip(outside / (_BLUR_RAMP * size), 0, 1)[..., None]
    return (crop * (1 - weight) + blurred * weight + 0.5).astype(np.uint8)


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
    """The part of the picture that the result shows, mirrored parts included."""
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    seen = transform(corners, invert(matrix))
    margin = 3 + 2 / scale_of(matrix)  # for the cubic kernel
    bounds = []
    for low, high, length in zip(
        seen.min(0) - margin, seen.max(0) + margin, picture.shape[1::-1], strict=True
    ):
        # What lies d beyond an edge shows what lies d inside of it.
        first = min(low, 2 * (length - 1) - high)
        last = max(high, -low)
        first = int(np.clip(np.floor(first), 0, length - 1))
        bounds.append((first, int(np.clip(np.ceil(last) + 1, first + 1, length))))
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
    grid = np.arange(size, dtype=np.float32)
    x = inverse[0, 0] * grid[None] + inverse[0, 1] * grid[:, None] + inverse[0, 2]
    y = inverse[1, 0] * grid[None] + inverse[1, 1] * grid[:, None] + inverse[1, 2]
    beyond_x = np.maximum(-0.5 - x, x - (width - 0.5)).clip(0)
    beyond_y = np.maximum(-0.5 - y, y - (height - 0.5)).clip(0)
    return (np.hypot(beyond_x, beyond_y) * scale_of(matrix)).astype(np.float32)
