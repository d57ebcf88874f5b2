"""The FFHQ frame of an aligned face, and the similarities that bring faces into it.

Matrices are float64 (2, 3) and map photo to crop. The centre of the first pixel is (0, 0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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

_LEAST_EXTENT = 1e-9  # of points to be aligned, sum of squared distances to their middle in px


def has_extent(points: NDArray) -> bool:
    """Whether `fit_similarity` has something to fit: (N, 2) finite points, not all in one."""
    points = np.asarray(points, np.float64)
    return bool(np.isfinite(points).all() and points.var(0).sum() * len(points) >= _LEAST_EXTENT)


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


def from_scaled(matrix: NDArray, k: float) -> NDArray[np.float64]:
    """The matrix to the same crop from the photo at k times as many pixels a side."""
    scaled = np.array(matrix, np.float64)
    scaled[:, 2] += scaled[:, :2] @ np.full(2, (1 / k - 1) / 2)
    scaled[:, :2] /= k
    return scaled


def scale_of(matrix: NDArray) -> float:
    """Crop pixels for each photo pixel."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def invert(matrix: NDArray) -> NDArray[np.float64]:
    """The similarity back, crop to photo."""
    (a, b, x), (c, d, y) = matrix
    k = 1 / (a * d - b * c)
    return np.array([[d * k, -b * k, (b * y - d * x) * k], [-c * k, a * k, (c * x - a * y) * k]])


def transform(points: NDArray, matrix: NDArray) -> NDArray[np.float64]:
    """Points (N, 2) mapped by a (2, 3) matrix."""
    return np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]
