"""A person before another background: the mask to the picture's edges, and what is put behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hasnet_models.controls.background import before, blurred, covering
from hasnet_models.controls.background_choice import Background
from hasnet_models.face.matte import foreground, guided, matte, solid
from hasnet_models.face.paste import paste_masks
from hasnet_models.face.person import PersonFinder
from hasnet_models.face.types import AlignedFace
from hasnet_models.image_io.photo import off_white
from hasnet_models.opencv import cv2

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
RED, GREEN = (180, 60, 50), (60, 150, 80)


def disc(side: int = 128, radius: int = 40) -> np.ndarray:
    mask = np.zeros((side, side), np.float32)
    cv2.circle(mask, (side // 2, side // 2), radius, 1.0, -1)
    return mask


def before_ground(alpha: np.ndarray) -> np.ndarray:
    a = alpha[..., None]
    return (np.array(RED) * a + np.array(GREEN) * (1 - a) + 0.5).astype(np.uint8)


# --- the mask


def test_a_rough_mask_is_brought_to_the_edge():
    true = disc(512, 160)
    rough = cv2.GaussianBlur(disc(512, 163), (0, 0), 4)
    found = matte(rough, before_ground(true))
    assert np.abs(found - true).mean() < 0.6 * np.abs(rough - true).mean()
    assert found.min() >= 0 and found.max() <= 1 and found.dtype == np.float32


def test_a_small_mask_fits_a_large_picture():
    small = cv2.resize(disc(), (32, 32), interpolation=cv2.INTER_AREA)
    found = matte(small, before_ground(disc(600, 188)))
    assert found.shape == (600, 600)
    assert np.abs(found - disc(600, 188)).mean() < 0.02


def test_islands_are_no_person_but_a_second_person_is():
    mask = disc()
    mask[2:8, 2:8] = 1
    assert not solid(mask)[:10, :10].any() and solid(mask)[64, 64] == 1
    two = np.concatenate([disc(radius=40), disc(radius=25)], axis=1)
    np.testing.assert_array_equal(solid(two), two)
    np.testing.assert_array_equal(solid(np.zeros((9, 9), np.float32)), np.zeros((9, 9)))


def test_a_plain_guide_only_smooths():
    plain = np.full((40, 60, 3), 90, np.uint8)
    (found,) = guided(np.full((1, 40, 60), 0.3, np.float32), plain, 0.05)
    np.testing.assert_allclose(found, 0.3, atol=1e-4)


@pytest.mark.parametrize(("side", "most"), [(128, 0.35), (1300, 0.6)])
def test_soft_edges_lose_the_colour_of_the_ground(side, most):
    alpha = cv2.GaussianBlur(disc(side, side // 3), (0, 0), 3)
    picture = before_ground(alpha)
    soft = (alpha > 0.3) & (alpha < 0.9)
    found = foreground(picture, alpha)
    gap, was = (np.abs(x[soft] - np.array(RED)).mean() for x in (found, picture.astype(float)))
    assert gap < most * was
    assert np.abs(found[alpha > 0.999] - RED).max() < 4


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 99))
def test_any_picture_and_mask(height, width, seed):
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = rng.random((int(rng.integers(1, 40)), int(rng.integers(1, 40)))).astype(np.float32)
    found = matte(mask, rgb)
    assert found.shape == (height, width) and np.isfinite(found).all()
    for choice in ("blur", "#102030", "transparent"):
        picture, _ = before(rgb, found, Background.parse(choice))
        assert picture.shape == rgb.shape and picture.dtype == np.uint8


# --- what is put behind


def test_keep_is_the_picture_itself():
    picture = before_ground(disc())
    found, alpha = before(picture, disc(), Background())
    assert found is picture and alpha is None


def test_a_colour_fills_the_ground_and_the_person_stays():
    picture = before_ground(disc())
    found, alpha = before(picture, disc(), Background.parse("#0102ff"))
    assert alpha is None and (found[5, 5] == (1, 2, 255)).all()
    assert np.abs(found[64, 64].astype(int) - RED).max() <= 2


def test_transparent_lies_over_white_with_its_alpha():
    picture = before_ground(disc())
    found, alpha = before(picture, disc(), Background.parse("transparent"))
    assert (found[5, 5] == 255).all() and alpha[5, 5] == 0 and alpha[64, 64] == 255
    assert np.abs(off_white(found, alpha)[64, 64].astype(int) - RED).max() <= 2


def test_the_person_does_not_run_into_the_blur():
    found = blurred(before_ground(disc()), disc())
    assert np.abs(found[disc() == 0] - np.array(GREEN)).max() < 12


@pytest.mark.parametrize("shape", [(10, 90), (90, 10), (128, 128), (1, 1), (700, 500)])
def test_a_picture_fills_the_frame(shape):
    picture = np.zeros((*shape, 3), np.uint8)
    picture[shape[0] // 2, shape[1] // 2] = 255
    assert covering(picture, 128, 128).shape == (128, 128, 3)
    found, _ = before(before_ground(disc()), disc(), Background.parse("x.png"), picture)
    assert np.abs(found[64, 64].astype(int) - RED).max() <= 2


def test_the_middle_of_a_picture_is_kept():
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 200
    assert (covering(picture, 20, 20)[:, 4:16] == 200).all()


# --- whole photos


def test_masks_of_avatars_go_where_the_avatars_go():
    matrix = np.array([[512 / 40, 0, -20 * 512 / 40], [0, 512 / 40, -10 * 512 / 40]])
    aligned = AlignedFace(np.zeros((512, 512, 3), np.uint8), matrix)
    whole = np.full((60, 100), 0.5, np.float32)
    found = paste_masks(whole, [np.full((512, 512), 255, np.uint8)], [aligned])
    assert found[30, 40] == 1 and found[30, 80] == pytest.approx(0.5, abs=0.01)
    assert found[5, 5] == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_the_person_of_a_whole_photo_is_found_beside_bars():
    astronaut = cv2.cvtColor(cv2.imread(str(ASTRONAUT)), cv2.COLOR_BGR2RGB)
    wide = np.concatenate([np.full((512, 300, 3), 128, np.uint8), astronaut], axis=1)
    mask = PersonFinder().mask_of_photo(wide)
    assert mask.shape == (161, 256)
    face, ground = (300 + 220) * 256 // 812, 60
    assert mask[150 * 256 // 812, face] > 0.9 and mask[20, ground] < 0.2
    assert PersonFinder().mask_of_photo(wide[:3, :1]).ndim == 2
