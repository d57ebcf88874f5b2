"""The palette of a picture: exactly N colours by ColorThief's algorithm, in ColorThief's order.

ColorThief (Leptonica's modified median cut, "MMCQ") counts pixels in a 32x32x32 histogram,
cuts the box with the most pixels until three quarters of the colours are there, then the box
with the largest pixels x volume, and lists the boxes' means from the largest pixels x volume
down. The `colorthief` package does this in pure Python loops over every histogram cell; here
each box is one numpy slice. The colours and their order are the same (tests/test_palette.py
compares them), with these stated differences:

* **All pixels count.** ColorThief drops near-white pixels; a pencil sketch is mostly white.
* **Smaller first.** The picture is averaged over k x k blocks, k the smallest whole number that
  brings the longer side to `MAX_SIDE` or less. Integer arithmetic: the same on every machine.
* **One more colour is asked for**, because ColorThief's second phase stops one early (it returns
  19 for 20, 20 for 21).
* **No empty boxes.** A box whose pixels lie in one slice is narrowed to them, and one of a single
  cell is kept whole, where ColorThief "cuts" both into the same box and an empty one: there a
  white background uses up the palette with colours that are not in the picture.
* **Padding.** A picture with fewer distinct cells than colours has its colours repeated in
  order: a, b, c, a, b, ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Rises when a picture may get other colours, so that what was kept of before is not taken.
VERSION = 1
COLOURS = 20
MAX_SIDE = 128

_BITS = 5
_SHIFT = 8 - _BITS
_CELLS = 1 << _BITS
_CELL_CENTRES = (np.arange(_CELLS) * 2 + 1) << (_SHIFT - 1)
_FIRST_PHASE_SHARE = 0.75


def extract(rgb: np.ndarray, colours: int = COLOURS) -> np.ndarray:
    """Return the palette of a picture.

    Args:
        rgb: uint8 (H, W, 3), sRGB, any size from one pixel.
        colours: how many, 1 to 255.

    Returns:
        uint8 (colours, 3), in ColorThief's order, padded by repetition.

    Raises:
        ValueError: the array or the number is not as described above.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ValueError(f"expected a uint8 (H, W, 3) picture, got {rgb.dtype} {rgb.shape}")
    if not 1 <= colours <= 255:
        raise ValueError(f"a palette has 1 to 255 colours, not {colours}")
    found = quantize(shrink(rgb).reshape(-1, 3), colours + 1)
    return found[np.arange(colours) % len(found)]


def shrink(rgb: np.ndarray, max_side: int = MAX_SIDE) -> np.ndarray:
    """Average over k x k blocks so that the longer side is at most `max_side` (uint8 in, out)."""
    height, width = rgb.shape[:2]
    k = -(-max(height, width) // max_side)
    if k == 1:
        return rgb
    total = _column_sums(_row_sums(rgb, k), k)
    tall, wide = (np.diff(np.arange(0, side, k), append=side) for side in (height, width))
    area = np.outer(tall, wide)[..., None]
    return ((total + area // 2) / area).astype(np.uint8)


def _row_sums(rgb: np.ndarray, k: int) -> np.ndarray:
    """Sums over k rows, the last ones over what is left, (ceil(H / k), W, 3)."""
    kind = np.uint16 if 255 * k < 1 << 16 else np.uint32
    total = rgb[::k].astype(kind)
    for i in range(1, min(k, len(rgb))):
        part = rgb[i::k]
        total[: len(part)] += part
    return total


def _column_sums(rows: np.ndarray, k: int) -> np.ndarray:
    """Sums over k columns, the last ones over what is left, float64 (h, ceil(W / k), 3).

    As a matrix product: numpy is slow at sums of a few values. They are whole numbers below 2^53,
    and so is what is divided by an area of the picture, so nothing is rounded before the end.
    """
    height, width = rows.shape[:2]
    blocks = -(-width // k)
    padded = np.zeros((height, blocks * k, 3))
    padded[:, :width] = rows
    added = padded.reshape(height * blocks, 3 * k) @ np.tile(np.eye(3), (k, 1))
    return added.reshape(height, blocks, 3)


def quantize(pixels: np.ndarray, max_colours: int) -> np.ndarray:
    """ColorThief's `MMCQ.quantize(pixels, max_colours).palette`, without its empty boxes.

    Args:
        pixels: uint8 (N, 3), N >= 1.
        max_colours: the number as ColorThief takes it, 2 to 256; it gives one colour fewer
            (for 2 and 3, one more).

    Returns:
        uint8 (M, 3); M is smaller than that where there are fewer cells to tell apart.
    """
    boxes = _cut([_first_box(pixels)], lambda box: box.count, _FIRST_PHASE_SHARE * max_colours)
    boxes = _cut(boxes, lambda box: box.weight, max_colours - 1)
    return np.array([box.mean for box in boxes], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class _Box:
    """A block of the colour histogram with pixels in it; `start` is its lowest cell."""

    cells: np.ndarray
    start: tuple[int, int, int]

    @cached_property
    def count(self) -> int:
        return int(self.cells.sum())

    @property
    def weight(self) -> int:
        return self.count * self.cells.size

    @cached_property
    def mean(self) -> tuple[int, ...]:
        """Mean colour of the pixels, each taken at the centre of its cell, rounded down."""
        sums = (
            int(self._along(axis) @ _CELL_CENTRES[first : first + self.cells.shape[axis]])
            for axis, first in enumerate(self.start)
        )
        return tuple(total // self.count for total in sums)

    def _along(self, axis: int) -> np.ndarray:
        """Pixels in each slice across `axis`."""
        return self.cells.sum(axis=tuple({0, 1, 2} - {axis}))

    def split(self) -> list[_Box]:
        """Cut across the longest side, past the median into its larger half.

        Returns two boxes, or one narrower box where all pixels lie in one slice.
        """
        axis = int(np.argmax(self.cells.shape))
        sums = np.cumsum(self._along(axis)).tolist()
        after = _cut_position(sums) + 1
        if sums[after - 1] == self.count:
            return [self.narrowed()]
        low, high = np.split(self.cells, [after], axis=axis)
        start = list(self.start)
        start[axis] += after
        return [_Box(low, self.start), _Box(high, (start[0], start[1], start[2]))]

    def narrowed(self) -> _Box:
        """The smallest box that holds the same pixels."""
        used = [np.flatnonzero(self._along(axis)) for axis in range(3)]
        r, g, b = (slice(int(cells[0]), int(cells[-1]) + 1) for cells in used)
        start = (self.start[0] + r.start, self.start[1] + g.start, self.start[2] + b.start)
        return _Box(self.cells[r, g, b], start)


def _first_box(pixels: np.ndarray) -> _Box:
    cells = (pixels >> _SHIFT).astype(np.int64)
    index = (cells[:, 0] << 2 * _BITS) + (cells[:, 1] << _BITS) + cells[:, 2]
    histogram = np.bincount(index, minlength=_CELLS**3).reshape((_CELLS,) * 3)
    return _Box(histogram, (0, 0, 0)).narrowed()


def _cut_position(sums: list[int]) -> int:
    """The last slice of the lower box, given the running pixel count of at least two slices."""
    last = len(sums) - 1
    median = next(i for i, total in enumerate(sums) if total > sums[-1] / 2)
    if median <= last - median:
        cut = min(last - 1, int(median + (last - median) / 2))
    else:
        cut = max(0, int(median - 1 - median / 2))
    while not sums[cut]:
        cut += 1
    while sums[cut] == sums[-1] and cut > 0 and sums[cut - 1]:
        cut -= 1
    return cut


def _cut(boxes: list[_Box], key: Callable[[_Box], int], target: float) -> list[_Box]:
    """Cut the largest box until there are `target`; the boxes from the largest down.

    Sorting and popping are as in ColorThief's queue (stable, ascending, taken from the end), and
    at least one cut is made, so that equal boxes come in the same order and number.
    """
    queue, whole = list(boxes), []
    while queue:
        queue.sort(key=key)
        box = queue.pop()
        if box.cells.size == 1:
            whole.append(box)
            continue
        queue.extend(box.split())
        if len(queue) + len(whole) >= target:
            break
    return sorted(whole + queue, key=key)[::-1]


def hex_codes(palette: np.ndarray) -> list[str]:
    """uint8 (N, 3) -> ["#rrggbb", ...]."""
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in palette]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Mean distance of each colour to the nearest of the other palette, both ways, in 0..1.

    Args:
        a, b: uint8 (N, 3).
    """
    d = np.linalg.norm(a[:, None].astype(float) - b[None].astype(float), axis=2)
    return float((d.min(1).mean() + d.min(0).mean()) / 2 / (255 * 3**0.5))
