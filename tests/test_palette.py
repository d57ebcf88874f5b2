from __future__ import annotations

import numpy as np
import pytest
from colorthief import MMCQ

from hasnet_models.palette import MAX_SIDE, extract, quantize, shrink


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
