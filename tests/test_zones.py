"""Zone maps of meshes and person masks, and the shares of a palette."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hasnet_models.face.person import PersonFinder
from hasnet_models.opencv import cv2
from hasnet_models.palette import extract
from hasnet_models.topology.mean_face import mean_face, mirrored
from hasnet_models.topology.points import LEFT_EYE, OUTER_LIPS
from hasnet_models.topology.zones import (
    SIDE,
    ZONES,
    even_shares,
    eye_line,
    shares,
    zone_maps,
)

MEAN = mean_face()
ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
SKIN, LIPS, EYES, HAIR, BELOW, REST = range(len(ZONES))


def at(zones: np.ndarray, x: float, y: float) -> str:
    """The zone that has most of a place."""
    side = zones.shape[-1]
    return ZONES[int(zones[:, int(y * side), int(x * side)].argmax())]


def body() -> np.ndarray:
    """A person mask: a head with hair high above it and shoulders as wide as the frame."""
    mask = np.zeros((256, 256), np.float32)
    cv2.ellipse(mask, (128, 128), (90, 120), 0, 0, 360, 1.0, -1)
    mask[215:] = 1
    return mask


# --- maps


@pytest.mark.parametrize("side", [16, SIDE, 64])
@pytest.mark.parametrize("person", [None, body()], ids=["ring", "person"])
def test_maps_are_shares_of_each_place(side, person):
    zones = zone_maps(MEAN, person, side)
    assert zones.shape == (6, side, side) and zones.dtype == np.float32
    assert zones.min() >= 0
    np.testing.assert_allclose(zones.sum(0), 1, atol=1e-5)


@pytest.mark.parametrize("person", [None, body()], ids=["ring", "person"])
def test_each_part_of_a_face_has_its_zone(person):
    zones = zone_maps(MEAN, person, 64)
    mouth, eye = MEAN[list(OUTER_LIPS), :2].mean(0), MEAN[list(LEFT_EYE), :2].mean(0)
    assert at(zones, *mouth) == "lips"
    assert at(zones, *eye) == "eyes"
    assert at(zones, 0.35, 0.65) == at(zones, 0.5, 0.37) == "skin"
    assert at(zones, 0.5, 0.15) == "hair"
    assert at(zones, 0.5, 0.97) == "below"
    assert at(zones, 0.03, 0.2) == "rest"


def test_hair_is_what_the_person_mask_holds():
    assert at(zone_maps(MEAN, None, 64), 0.5, 0.04) == "rest"
    assert at(zone_maps(MEAN, body(), 64), 0.5, 0.04) == "hair"
    short = body()
    short[:60] = 0
    assert at(zone_maps(MEAN, short, 64), 0.5, 0.1) == "rest"


@pytest.mark.parametrize("mask", [np.zeros((256, 256)), np.eye(256)], ids=["empty", "line"])
def test_a_mask_that_leaves_out_the_face_is_not_believed(mask):
    np.testing.assert_array_equal(zone_maps(MEAN, mask.astype(np.float32)), zone_maps(MEAN))


def test_without_a_mesh_the_mean_face_stands_in():
    np.testing.assert_array_equal(zone_maps(None), zone_maps(MEAN))


def test_a_mirrored_face_has_mirrored_zones():
    points = MEAN + 0.06
    np.testing.assert_allclose(
        zone_maps(mirrored(points), None, 64), zone_maps(points, None, 64)[:, :, ::-1], atol=0.15
    )


def test_the_nose_of_a_profile_is_skin():
    profile = MEAN.copy()
    profile[:, 0] = 0.5 + 0.05 * (MEAN[:, 0] - 0.5) + MEAN[:, 2]
    nose = profile[4, :2]
    assert at(zone_maps(profile, None, 64), nose[0] + 0.02, nose[1]) == "skin"


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31), spread=st.sampled_from([0.0, 0.3, 50.0, 1e30]), masked=st.booleans()
)
def test_any_points_give_maps_that_sum_to_1(seed, spread, masked):
    points = 0.5 + spread * np.random.default_rng(seed).normal(size=(468, 3))
    zones = zone_maps(points, body() if masked else None)
    assert zones.min() >= 0
    np.testing.assert_allclose(zones.sum(0), 1, atol=1e-5)


def test_points_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        zone_maps(np.full((468, 3), np.nan))


# --- shares


def painted(zones: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A picture (64, 64, 3) with one colour for each zone."""
    return colours[zones.argmax(0)]


COLOURS = np.array(
    [[230, 180, 150], [200, 30, 50], [40, 90, 200], [60, 40, 20], [90, 160, 90], [220, 220, 220]],
    np.uint8,
)


def test_each_colour_belongs_to_the_zone_it_is_painted_in():
    zones = zone_maps(MEAN, body(), 64)
    found = shares(painted(zones, COLOURS), COLOURS, zone_maps(MEAN, body()))
    assert found.shape == (6, 6) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    assert (found.argmax(1) == np.arange(6)).all()
    assert found[SKIN, SKIN] > 0.8 and found[HAIR, HAIR] > 0.8 and found[EYES, EYES] > 0.35


def test_a_fringe_over_the_forehead_is_no_skin_colour():
    zones = zone_maps(MEAN, body(), 64)
    picture = painted(zones, COLOURS)
    picture[: int(0.47 * 64)] = COLOURS[HAIR]
    found = shares(picture, COLOURS, zone_maps(MEAN, body()), eye_line(MEAN))
    assert found[SKIN, SKIN] > 0.8


def test_a_repeated_colour_counts_once():
    picture = np.full((32, 32, 3), 99, np.uint8)
    palette = extract(picture)
    found = shares(picture, palette, zone_maps(None))
    np.testing.assert_allclose(found[0], 1)
    assert not found[1:].any()


def test_a_zone_that_is_not_there_has_even_shares():
    zones = np.zeros((6, SIDE, SIDE), np.float32)
    zones[REST] = 1
    found = shares(np.zeros((64, 64, 3), np.uint8), COLOURS, zones)
    np.testing.assert_allclose(found[:, :REST], 1 / 6)
    np.testing.assert_allclose(even_shares(20), np.full((20, 6), 0.05))


@pytest.mark.parametrize("side", [1, 31, 256, 512])
def test_black_and_odd_pictures_have_shares(side):
    black = np.zeros((side, side, 3), np.uint8)
    found = shares(black, extract(black), zone_maps(None))
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


# --- person mask


@pytest.mark.slow
def test_the_person_in_a_photo_is_found():
    photo = cv2.cvtColor(cv2.imread(str(ASTRONAUT)), cv2.COLOR_BGR2RGB)
    mask = PersonFinder().mask(photo)
    assert mask.shape == photo.shape[:2] and mask.dtype == np.float32
    assert mask.min() >= 0 and mask.max() <= 1
    assert mask[100:200, 190:260].mean() > 0.9  # the face
    assert mask[:80, 440:].mean() < 0.2  # the shuttle behind her


@pytest.mark.slow
@pytest.mark.parametrize("side", [1, 300])
def test_nobody_is_in_a_black_picture(side):
    mask = PersonFinder().mask(np.zeros((side, side, 3), np.uint8))
    assert mask.shape == (side, side) and mask.mean() < 0.5


@pytest.mark.slow
def test_what_is_no_square_picture_has_no_mask():
    with pytest.raises(ValueError, match="expected a uint8"):
        PersonFinder().mask(np.zeros((4, 5, 3), np.uint8))
