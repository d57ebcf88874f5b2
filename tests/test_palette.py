from __future__ import annotations

import numpy as np
import pytest
from colorthief import MMCQ
from PIL import Image

from hasnet_models import image_io
from hasnet_models.palette import MAX_SIDE, distance, extract, quantize, shrink


def flat(colour: tuple[int, int, int], height: int = 40, width: int = 30) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def smooth_picture(seed: int, side: int = 96) -> np.ndarray:
    """Broad colour gradients, a few blobs and grain: a photo's kind of histogram."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    planes = []
    for _ in range(3):
        a, b, c = rng.uniform(-1, 1, 3)
        blob = np.exp(-((x - rng.random()) ** 2 + (y - rng.random()) ** 2) / 0.05)
        planes.append(128 + 90 * (a * x + b * y) + 110 * c * blob + rng.normal(0, 6, x.shape))
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


def colorthief(pixels: np.ndarray, number: int):
    return MMCQ.quantize([tuple(map(int, pixel)) for pixel in pixels], number)


def has_empty_box(cmap) -> bool:
    return any(entry["vbox"].count == 0 for entry in cmap.vboxes.contents)


def literal_shrink(rgb: np.ndarray) -> list[tuple[int, ...]]:
    """The pixels of `shrink` one by one, as its documentation says."""
    height, width = rgb.shape[:2]
    k = -(-max(height, width) // MAX_SIDE)
    found = []
    for y in range(0, height, k):
        for x in range(0, width, k):
            block = rgb[y : y + k, x : x + k].reshape(-1, 3).tolist()
            area = len(block)
            found.append(tuple((sum(c) + area // 2) // area for c in zip(*block, strict=True)))
    return found


class LiteralBox:
    """A box of ColorThief's, with the documented differences, cell by cell."""

    def __init__(self, cells: dict, bounds: list[tuple[int, int]]) -> None:
        self.bounds = bounds
        self.cells = {cell: n for cell, n in cells.items() if self.holds(cell)}
        self.count = sum(self.cells.values())
        self.volume = int(np.prod([b - a + 1 for a, b in bounds]))

    def holds(self, cell: tuple[int, ...]) -> bool:
        return all(a <= c <= b for c, (a, b) in zip(cell, self.bounds, strict=True))

    def mean(self) -> list[int]:
        centres = [[8 * c + 4 for c in cell] for cell, n in self.cells.items() for _ in range(n)]
        return [sum(axis) // self.count for axis in zip(*centres, strict=True)]

    def part(self, axis: int, low: int, high: int) -> LiteralBox:
        bounds = list(self.bounds)
        bounds[axis] = (low, high)
        return LiteralBox(self.cells, bounds)

    def narrowed(self) -> LiteralBox:
        used = list(zip(*self.cells, strict=True))
        return LiteralBox(self.cells, [(min(axis), max(axis)) for axis in used])

    def split(self) -> list[LiteralBox]:
        sides = [b - a for a, b in self.bounds]
        axis = sides.index(max(sides))
        low, high = self.bounds[axis]

        def below(place: int) -> int:
            return sum(n for cell, n in self.cells.items() if cell[axis] <= place)

        median = next(i for i in range(low, high + 1) if below(i) > self.count / 2)
        left, right = median - low, high - median
        if left <= right:
            cut = min(high - 1, int(median + right / 2))
        else:
            cut = max(low, int(median - 1 - left / 2))
        while not below(cut):
            cut += 1
        while below(cut) == self.count and cut > low and below(cut - 1):
            cut -= 1
        if below(cut) == self.count:
            return [self.narrowed()]
        return [self.part(axis, low, cut), self.part(axis, cut + 1, high)]


def literal_palette(rgb: np.ndarray, colours: int = 20) -> list[list[int]]:
    cells: dict = {}
    for pixel in literal_shrink(rgb):
        cell = tuple(c >> 3 for c in pixel)
        cells[cell] = cells.get(cell, 0) + 1
    boxes = [LiteralBox(cells, [(0, 31)] * 3).narrowed()]
    for key, target in (
        (lambda box: box.count, 0.75 * (colours + 1)),
        (lambda box: box.count * box.volume, colours),
    ):
        queue, whole = boxes, []
        while queue:
            queue.sort(key=key)
            box = queue.pop()
            if box.volume == 1:
                whole.append(box)
                continue
            queue += box.split()
            if len(queue) + len(whole) >= target:
                break
        boxes = sorted(whole + queue, key=key)[::-1]
    means = [box.mean() for box in boxes]
    return [means[i % len(means)] for i in range(colours)]


def two_colours(height: int, width: int) -> np.ndarray:
    picture = flat((255, 255, 255), height, width)
    picture[::3, 1:] = (12, 40, 200)
    return picture


UGLY = {
    "one pixel": flat((3, 250, 99), 1, 1),
    "one colour": flat((255, 255, 255), 50, 300),
    "two colours": two_colours(90, 61),
    "two colours, cut blocks": two_colours(391, 130),
    "a line": smooth_picture(4, 96)[:1],
    "a column": smooth_picture(5, 300)[:, :1],
    "black with one spot": np.pad(flat((255, 255, 255), 1, 1), ((20, 19), (9, 30), (0, 0))),
    "a ramp": np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 2, 3)),
    "noise": np.random.default_rng(3).integers(0, 256, (40, 70, 3), dtype=np.uint8),
    "a photo's histogram": smooth_picture(6, 260),
}


@pytest.mark.parametrize("kind", UGLY)
@pytest.mark.parametrize("colours", [20, 3])
def test_colours_are_those_of_the_documented_steps_one_by_one(kind, colours):
    assert extract(UGLY[kind], colours).tolist() == literal_palette(UGLY[kind], colours)


@pytest.mark.parametrize("seed", range(6))
def test_colours_of_random_pictures_are_those_of_the_documented_steps(seed):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 200, 2)
    spread = rng.integers(1, 256, 3)
    picture = (rng.random((height, width, 3)) * spread).astype(np.uint8)
    assert extract(picture).tolist() == literal_palette(picture)


def test_what_is_transparent_counts_as_white(tmp_path):
    rgba = np.dstack([smooth_picture(7, 40), np.tile(np.uint8([0, 255]), (40, 20))])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    laid = np.where(rgba[..., 3:] == 0, 255, rgba[..., :3]).astype(np.uint8)
    found = extract(image_io.read(tmp_path / "a.png").rgb)
    assert found.tolist() == literal_palette(laid)


@pytest.mark.parametrize("seed", range(8))
def test_colours_and_order_are_those_of_colorthief(seed):
    picture = smooth_picture(seed)
    cmap = colorthief(picture.reshape(-1, 3), 21)
    assert not has_empty_box(cmap)
    np.testing.assert_array_equal(extract(picture), cmap.palette)


def test_parity_with_colorthief_for_many_sizes_and_numbers():
    rng = np.random.default_rng(5)
    compared = 0
    for _ in range(60):
        spread = rng.integers(1, 256, 3)
        pixels = (rng.random((rng.integers(50, 1500), 3)) * spread).astype(np.uint8)
        number = int(rng.integers(2, 40))
        cmap = colorthief(pixels, number)
        if has_empty_box(cmap):
            continue
        np.testing.assert_array_equal(quantize(pixels, number), cmap.palette)
        compared += 1
    assert compared > 40


@pytest.mark.parametrize("colours", [1, 2, 3, 8, 20, 21, 64, 255])
def test_the_number_is_exact(colours):
    assert extract(smooth_picture(1), colours).shape == (colours, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (1, 1000), (700, 3), (129, 128)])
def test_any_size_gives_twenty(shape):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert extract(picture).shape == (20, 3)


def test_a_flat_picture_repeats_its_colour():
    palette = extract(flat((200, 40, 90)))
    assert (palette == palette[0]).all()
    assert np.abs(palette[0].astype(int) - (200, 40, 90)).max() <= 4


def test_padding_repeats_in_order():
    picture = np.concatenate([flat((250, 0, 0), 30), flat((0, 250, 0), 20), flat((0, 0, 250), 10)])
    palette = extract(picture)
    assert len(np.unique(palette, axis=0)) == 3
    np.testing.assert_array_equal(palette[3:], palette[:17])


def test_white_is_kept():
    assert (extract(flat((255, 255, 255))) >= 248).all()


def test_a_mostly_white_sketch_has_white_and_twenty_real_colours():
    picture = flat((255, 255, 255), 120, 120)
    picture[50:70, 20:100] = np.linspace(0, 240, 80).astype(np.uint8)[None, :, None]
    palette = extract(picture)
    assert (palette.min(axis=1) > 247).any()
    assert (palette.max(axis=1) < 40).any()
    assert len(np.unique(palette, axis=0)) == 20
    present = np.unique(picture.reshape(-1, 3) >> 3, axis=0)
    assert {tuple(c >> 3) for c in palette} <= {tuple(c) for c in present}


def test_black_and_white_limits_stay_in_range():
    picture = np.concatenate([flat((255, 255, 255)), flat((0, 0, 0))])
    assert {tuple(c) for c in extract(picture)} == {(252, 252, 252), (4, 4, 4)}


def test_it_is_deterministic_and_leaves_the_picture_alone():
    picture = smooth_picture(3)
    before = picture.copy()
    np.testing.assert_array_equal(extract(picture), extract(picture.copy(order="F")))
    np.testing.assert_array_equal(picture, before)


def test_shrink_takes_means_of_whole_blocks_and_of_cut_ones():
    picture = np.zeros((257, 4, 3), np.uint8)
    picture[:3, :3] = 90
    picture[256, :] = 60
    small = shrink(picture)
    assert small.shape == (86, 2, 3) and max(small.shape) <= MAX_SIDE
    assert small[0, 0, 0] == 90 and small[0, 1, 0] == 0
    assert small[85, 0, 0] == 30


def test_a_small_picture_is_not_shrunk():
    picture = smooth_picture(2)
    assert shrink(picture) is picture


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(bad):
    with pytest.raises(ValueError, match="picture"):
        extract(bad)


@pytest.mark.parametrize("colours", [0, -1, 256])
def test_impossible_numbers_are_refused(colours):
    with pytest.raises(ValueError, match="1 to 255"):
        extract(flat((1, 2, 3)), colours)


def test_distance_is_zero_for_the_same_in_any_order_and_one_for_black_and_white():
    black, white = np.zeros((20, 3), np.uint8), np.full((20, 3), 255, np.uint8)
    colours = np.random.default_rng(0).integers(0, 256, (20, 3), dtype=np.uint8)
    assert distance(black, black) == distance(colours, colours[::-1]) == 0
    assert distance(black, white) == pytest.approx(1)
