"""Colours to CIE Lab and back, against OpenCV's conversion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hasnet_models.lab import from_lab, to_lab

LEVELS = np.arange(0, 256, 5, dtype=np.uint8)
ALL = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS), axis=-1).reshape(1, -1, 3)


# published values of the primaries, under D65
PRIMARIES = {
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 255, 0): (87.73, -86.18, 83.18),
    (0, 0, 255): (32.30, 79.19, -107.86),
    (255, 255, 255): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
}


@pytest.mark.parametrize("rgb", PRIMARIES)
def test_lab_of_the_primaries(rgb: tuple[int, int, int]) -> None:
    np.testing.assert_allclose(to_lab(np.uint8(rgb)), PRIMARIES[rgb], atol=0.02)


def test_lab_is_that_of_opencv_but_for_its_tables() -> None:
    theirs = cv2.cvtColor(ALL.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    assert np.abs(to_lab(ALL) - theirs).max() < 0.5
    assert np.abs(to_lab(ALL) - theirs).mean() < 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_levels_and_numbers_give_the_same(dtype: type) -> None:
    found = to_lab(ALL.astype(dtype))
    assert found.dtype == np.float32
    assert np.abs(found - to_lab(ALL)).max() < 1e-3


def test_back_gives_every_colour() -> None:
    assert np.array_equal(from_lab(to_lab(ALL)), ALL)


def test_what_srgb_cannot_show_is_clipped_as_opencv_does() -> None:
    lab = np.float32([[[50, 120, -120], [100, -80, 90], [0, 30, 30], [-5, 0, 0], [130, 0, 0]]])
    theirs = np.round(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255).clip(0, 255)
    assert np.abs(from_lab(lab) - theirs).max() <= 1


@pytest.mark.parametrize("shape", [(3,), (20, 3), (0, 3), (2, 4, 5, 3)])
def test_any_shape_is_kept(shape: tuple[int, ...]) -> None:
    colours = np.full(shape, 90, np.uint8)
    assert to_lab(colours).shape == shape
    assert from_lab(to_lab(colours)).shape == shape
