"""A run's losses as a picture of curves, one panel a quantity, drawn with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from hasnet_models.training.metrics import Curve

PANEL = (420, 200)
MARGIN = (62, 26, 14, 24)
COLUMNS = 3
SMOOTHED = 21
PAPER, INK, FAINT, LINE = (255, 255, 255), (40, 40, 40), (205, 215, 230), (30, 90, 170)


def draw(curves: dict[str, Curve]) -> np.ndarray:
    """A picture of the curves, uint8 (H, W, 3)."""
    columns = min(COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns)
    image = Image.new("RGB", (columns * PANEL[0], rows * PANEL[1]), PAPER)
    last = max(x for curve in curves.values() for x, _ in curve)
    for i, (name, curve) in enumerate(sorted(curves.items())):
        _panel(image, (i % columns * PANEL[0], i // columns * PANEL[1]), name, curve, last)
    return np.asarray(image)


def smooth(values: Sequence[float], window: int = SMOOTHED) -> list[float]:
    """Running mean over up to ``window`` values around each, fewer at the ends."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    reach = min(window, len(values)) // 2
    index = np.arange(len(values))
    low, high = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(values))
    return ((sums[high] - sums[low]) / (high - low)).tolist()


def _panel(
    image: Image.Image, corner: tuple[int, int], name: str, curve: Curve, last: float
) -> None:
    pen = ImageDraw.Draw(image)
    left, top = corner[0] + MARGIN[0], corner[1] + MARGIN[1]
    right, bottom = corner[0] + PANEL[0] - MARGIN[2], corner[1] + PANEL[1] - MARGIN[3]
    values = [v for _, v in curve]
    low, high = _limits(values)
    pen.rectangle((left, top, right, bottom), outline=FAINT)
    pen.text((left, top - 16), f"{name}  {values[-1]:.4g}", fill=INK)
    for value, y in ((high, top), (low, bottom)):
        pen.text((corner[0] + 4, y - 6), f"{value:.4g}", fill=INK)
    pen.text((left, bottom + 6), "0", fill=INK)
    pen.text((right, bottom + 6), f"{last:.0f} images", fill=INK, anchor="ra")

    def place(points: Curve) -> Curve:
        across, up = (right - left) / max(last, 1), (bottom - top) / (high - low)
        return [(left + x * across, bottom - (y - low) * up) for x, y in points]

    mean = [(x, y) for (x, _), y in zip(curve, smooth(values), strict=True)]
    _line(pen, place(curve), FAINT, 1)
    _line(pen, place(mean), LINE, 2)


def _line(
    pen: ImageDraw.ImageDraw, points: Curve, colour: tuple[int, int, int], width: int
) -> None:
    if len(points) > 1:
        pen.line(points, fill=colour, width=width)
    else:
        x, y = points[0]
        pen.ellipse((x - width, y - width, x + width, y + width), fill=colour)


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest, without the outermost 1 %, never the same."""
    low, high = np.percentile(values, (1, 99)).tolist()
    low, high = min(low, values[-1]), max(high, values[-1])
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - room, high + room
