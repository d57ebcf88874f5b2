"""The aligned crop: a similarity that brings five landmarks onto the FFHQ template, and its warp.

Matrices are float64 (2, 3) and map photo to crop. Coordinates are OpenCV's: the centre of the
first pixel is (0, 0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.opencv import cv2

CROP_SIZE = 512

# Left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them, in the
# 512 px FFHQ frame (paper section "Pipeline"; the template of GFPGAN and facexlib).
FFHQ_TEMPLATE_512 = np.array(
    [
        [192.98, 239.95],
        [318.90, 240.19],
        [256.63, 314.02],
        [201.26, 371.41],
        [313.09, 371.15],
    ]
)

# Where a detector's box lies in the 512 px frame: mean of CenterFace's on aligned faces.
FFHQ_BOX_512 = np.array([120.0, 104.0, 392.0, 458.0])

# Beyond the photo the mirrored picture goes over into a blurred one within this share of the side.
_BLUR_RAMP = 0.12
_BLUR_SIGMA = 0.03
_LEAST_EXTENT = 1e-9  # of points to be aligned, sum of squared distances to their middle in px


def similarity(landmarks: NDArray, size: int = CROP_SIZE) -> NDArray[np.float64]:
    """The similarity that brings five landmarks onto the FFHQ template.

    Args:
        landmarks: (5, 2) px, the viewer's left first.
        size: side of the crop in px.

    Returns:
        float64 (2, 3), photo to crop.

    Raises:
        ValueError: the landmarks lie all in one point.
    """
    return rescaled(fit_similarity(landmarks, FFHQ_TEMPLATE_512), size / CROP_SIZE)


def fit_similarity(points: NDArray, target: NDArray) -> NDArray[np.float64]:
    """Least-squares similarity without reflection, points (N, 2) to target (N, 2).

    In complex numbers it is z -> a z + b with a = <z, w> / <z, z> (Umeyama 1991 in two dimensions).

    Raises:
        ValueError: the points lie all in one point, or are not finite.
    """
    if not np.isfinite(points).all():
        raise ValueError("the landmarks are not finite")
    z, w = (np.ascontiguousarray(p, np.float64).view(np.complex128)[:, 0] for p in (points, target))
    if not has_extent(points):
        raise ValueError("the landmarks lie all in one point")
    centred = z - z.mean()
    a = np.vdot(centred, w - w.mean()) / np.vdot(centred, centred).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def has_extent(points: NDArray) -> bool:
    """Whether `fit_similarity` has something to fit: (N, 2) finite points, not all in one."""
    points = np.asarray(points, np.float64)
    return bool(np.isfinite(points).all() and points.var(0).sum() * len(points) >= _LEAST_EXTENT)


def box_similarity(box: NDArray, size: int = CROP_SIZE) -> NDArray[np.float64]:
    """The upright similarity that puts a face box (4,) xyxy where boxes lie in the FFHQ frame."""
    x1, y1, x2, y2 = np.asarray(box, dtype=np.float64)
    u1, v1, u2, v2 = FFHQ_BOX_512
    scale = np.sqrt((u2 - u1) * (v2 - v1) / ((x2 - x1) * (y2 - y1)))
    shift = [(u1 + u2 - scale * (x1 + x2)) / 2, (v1 + v2 - scale * (y1 + y2)) / 2]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return rescaled(matrix, size / CROP_SIZE)


def square_similarity(height: int, width: int, size: int = CROP_SIZE) -> NDArray[np.float64]:
    """The similarity that fills the crop with the largest square in the middle of a picture."""
    side = min(height, width)
    shift = -np.array([width - side, height - side]) / 2
    return rescaled(np.column_stack([np.eye(2), shift]), size / side)


def rescaled(matrix: NDArray, k: float) -> NDArray[np.float64]:
    """The matrix of the same crop with k times as many pixels a side.

    Pixel edges scale, pixel centres do not quite: hence the half pixels.
    """
    scaled = np.asarray(matrix, dtype=np.float64) * k
    scaled[:, 2] += (k - 1) / 2
    return scaled


def scale_of(matrix: NDArray) -> float:
    """Crop pixels for each photo pixel."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def invert(matrix: NDArray) -> NDArray[np.float64]:
    """The similarity back, crop to photo."""
    return cv2.invertAffineTransform(matrix)


def transform(points: NDArray, matrix: NDArray) -> NDArray[np.float64]:
    """Points (N, 2) mapped by a (2, 3) matrix."""
    return np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]


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
