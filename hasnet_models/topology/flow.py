"""A face brought to other points: a backward map of the frame that never folds.

The displacement says for each place of the result where in the source it comes from. It is a
thin-plate spline of the mesh's control points, zero on the border of the frame, and held back
where it would fold.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.opencv import cv2
from hasnet_models.topology import thin_plate
from hasnet_models.topology.points import CONTROL, flat

TRAINING_GRID = 32
GRID = 64
SMALLEST_AREA = 0.15  # of the source that any patch of the result shows, as a share of its own

_RIM = 0.06  # width of the ring in which the displacement falls to zero, in frames
_ROUNDS = 4
_REACH = 1 / 24  # of damping around a fold, in frames

Flow = NDArray[np.float32]


def flow(points: ArrayLike, target: ArrayLike, grid: int = GRID) -> Flow:
    """The displacement that brings a face from its points to others.

    Args:
        points: (468, 2 or more), in fractions of the frame.
        target: the same points, where they shall be.
        grid: cells along each side of the result, 4 or more.

    Returns:
        float32 (2, grid, grid), x and y in fractions of the frame. The result at the middle of the
        cell in row i and column j, thus at ((j + 0.5) / grid, (i + 0.5) / grid), shows the source
        at that place plus the displacement. Between the middles it is bilinear (in torch:
        align_corners=False). The outermost cells hold zero.

    Raises:
        ValueError: points are not finite.
    """
    source, goal = (flat(p)[CONTROL] for p in (points, target))
    border = border_points()
    spline = thin_plate.fit(
        np.concatenate([goal, border]), np.concatenate([source - goal, np.zeros_like(border)])
    )
    displacement = spline.at(cell_centres(grid)).T.reshape(2, grid, grid)
    return unfolded(displacement * rim(grid))


def unfolded(displacement: Flow, smallest: float = SMALLEST_AREA) -> Flow:
    """The displacement (2, G, G), held back around folds until every patch keeps its orientation.

    A patch between four middles is bilinear, so its Jacobian is least at a corner. Where one is
    below `smallest`, the displacement is scaled down there and, ever less, around; what is left
    after a few rounds is scaled down as a whole, which always ends it.
    """
    for _ in range(_ROUNDS):
        scale = unfolding_scale(displacement, smallest)
        if scale.min() >= 1:
            return displacement
        displacement = displacement * _damping(scale)
    return displacement * unfolding_scale(displacement, smallest).min()


def jacobians(displacement: Flow) -> NDArray[np.float32]:
    """The determinants (4, G - 1, G - 1) of x -> x + displacement at the corners of each patch."""
    trace, area = _gradients(displacement)
    return 1 + trace + area


def unfolding_scale(displacement: Flow, smallest: float) -> NDArray[np.float32]:
    """(G - 1, G - 1): the largest scale, at most 1, at which a patch's determinants are enough."""
    trace, area = _gradients(displacement)
    # The smaller positive root of area s^2 + trace s + 1 = smallest, where there is one.
    room = np.float32(0.999 * (1 - smallest))  # rounding must not undo it
    discriminant = trace * trace - 4 * area * room
    slope = np.sqrt(np.maximum(discriminant, 0)) - trace
    folds = (discriminant >= 0) & (slope > 2 * room)
    return np.where(folds, 2 * room / np.where(folds, slope, 1), np.float32(1)).min(0)


def _gradients(displacement: Flow) -> tuple[NDArray, NDArray]:
    """Trace and determinant (4, G - 1, G - 1) of the displacement's gradient at each corner."""
    grid = displacement.shape[-1]
    along_x = np.diff(displacement, axis=2) * grid
    along_y = np.diff(displacement, axis=1) * grid
    corners = [
        (x, y)
        for x in (along_x[:, :-1], along_x[:, 1:])
        for y in (along_y[:, :, :-1], along_y[:, :, 1:])
    ]
    trace = np.stack([x[0] + y[1] for x, y in corners])
    return trace, np.stack([x[0] * y[1] - x[1] * y[0] for x, y in corners])


def _damping(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """A smooth factor (G, G) that is nowhere above the scale (G - 1, G - 1) of its patches."""
    reach = max(1, round(_REACH * (len(scale) + 1)))
    nodes = cv2.copyMakeBorder(scale, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    size = 2 * reach + 2  # reaches one patch beyond the blur's window on each side
    low = cv2.erode(nodes, np.ones((size, size), np.uint8), anchor=(reach + 1, reach + 1))
    return cv2.blur(low, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_REPLICATE)


@lru_cache
def rim(grid: int) -> NDArray[np.float32]:
    """(grid, grid): 0 in the outermost cells, 1 from `_RIM` inwards, smooth between."""
    steps = np.minimum(np.arange(grid), np.arange(grid)[::-1]) / (grid * _RIM)
    ramp = np.clip(steps, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return np.outer(ramp, ramp).astype(np.float32)


@lru_cache
def border_points() -> NDArray[np.float64]:
    """The 20 points (20, 2) that hold the border of the frame."""
    steps = np.arange(5) / 5
    zero, one = np.zeros(5), np.ones(5)
    sides = [(steps, zero), (one, steps), (1 - steps, one), (zero, 1 - steps)]
    return np.concatenate([np.column_stack(side) for side in sides])


@lru_cache
def cell_centres(grid: int) -> NDArray[np.float32]:
    """(grid * grid, 2) in fractions of the frame, row by row."""
    steps = (np.arange(grid, dtype=np.float32) + 0.5) / grid
    return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)


def warped(
    picture: NDArray, displacement: Flow, interpolation: int = cv2.INTER_LINEAR
) -> NDArray:
    """A square picture (S, S) or (S, S, C), uint8 or float32, brought by a flow (2, G, G)."""
    side = len(picture)
    shift = cv2.resize(displacement.transpose(1, 2, 0), (side, side)) * side
    places = (shift + np.indices((side, side), np.float32)[::-1].transpose(1, 2, 0)).astype("f4")
    return cv2.remap(picture, places, None, interpolation, borderMode=cv2.BORDER_REPLICATE)
