"""Line integral convolution: a field averaged along the flow, which makes strokes out of noise.

Cabral and Leedom, "Imaging vector fields using line integral convolution" (SIGGRAPH 1993). A
streamline is not traced step by step; short averages along the tangent are composed, each step
longer than the last, so that a few of them follow a long bent line, and the sign of a tangent,
which has none, never matters.
"""

from __future__ import annotations

import functools

import numpy as np

from hasnet_models.medium import scale
from hasnet_models.medium.recent import recent
from hasnet_models.medium.scale import UNIT, Field, resize
from hasnet_models.medium.tangent_flow import Flow
from hasnet_models.opencv import cv2

_GROWTH = 2.2
_CELL = 2.2  # px of a cell that are enough
_noise = recent(scale.noise)


def along(field: Field, flow: Flow, length: float) -> Field:
    """Average a field along the flow.

    Args:
        field: float32 (H, W) or (H, W, C).
        flow: of the same height and width.
        length: standard deviation of the average, px; under 0.3 the field itself is returned.
    """
    if length < 0.3:
        return field
    columns, rows = _grid(field.shape[0], field.shape[1])
    for step in steps(length):
        dx, dy = np.float32(step) * flow.x, np.float32(step) * flow.y
        total = _sample(field, columns + dx, rows + dy)
        total += _sample(field, columns - dx, rows - dy)
        total += field
        field = np.multiply(total, np.float32(1 / 3), out=total)
    return field


def steps(length: float) -> list[float]:
    """Steps in px whose averages of three compose to a deviation of `length` px, growing."""
    # an average of three at distance h has the variance 2 h^2 / 3
    wanted, step, found = 1.5 * length**2, 1.0, []
    while wanted > step**2 * 1.5:
        found.append(step)
        wanted -= step**2
        step *= _GROWTH
    return sorted([*found, wanted**0.5])


def strokes(flow: Flow, side: float, cell: float, length: float, seed: int, layer: int) -> Field:
    """Strokes: noise averaged along the flow.

    Args:
        flow: (H, W).
        side: px that the other lengths are of.
        cell: width of a stroke, in 1/512 of the side; broad ones are found on a shrunk flow.
        length: deviation along the stroke, in 1/512 of the side.
        seed, layer: of `scale.noise`.

    Returns:
        float32 (H, W), mean 0, deviation 1.
    """
    shape = flow.x.shape
    factor = max(1, int(cell * side / UNIT / _CELL))
    if factor > 1:
        flow, side = flow.shrunk(factor), side / factor
    drawn = along(_noise(flow.x.shape, side, cell / UNIT, seed, layer), flow, length * side / UNIT)
    drawn = drawn - drawn.mean()
    return resize(drawn * np.float32(1 / max(float(drawn.std()), 1e-6)), shape)


def _sample(field: Field, x: Field, y: Field) -> Field:
    return cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


@functools.lru_cache(maxsize=4)
def _grid(height: int, width: int) -> tuple[Field, Field]:
    """Column and row of every pixel, (1, W) and (H, 1)."""
    columns = np.arange(width, dtype=np.float32)[None]
    return columns, np.arange(height, dtype=np.float32)[:, None]
