"""Landmark error: how far the result's face has moved from the source's.

A low value is not better by itself: an avatar is to have its reference's shape. It tells a face
that has moved a little from one that was lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_OUTER_CORNERS = (33, 263)  # of the eyes


def landmark_error(result: NDArray, source: NDArray) -> float:
    """The mean distance of a mesh's points, in distances of the source's outer corners of the eyes.

    Args:
        result, source: (468, 2 or more), in one frame.
    """
    left, right = source[list(_OUTER_CORNERS), :2]
    moved = np.linalg.norm(result[:, :2] - source[:, :2], axis=1).mean()
    return float(moved / np.linalg.norm(right - left))
