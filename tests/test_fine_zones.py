"""Hair, skin and clothes of a photo told apart by their colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hasnet_models.controls.fine_zones import SIDE, fine_zones
from hasnet_models.opencv import cv2
from hasnet_models.topology.by_colour import seen_zones
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.points import BROWS, FACE_OVAL, LEFT_EYE
from hasnet_models.topology.zone_names import ZONES
from hasnet_models.topology.zones import zone_maps

MEAN = mean_face()
SKIN_COLOUR, HAIR_COLOUR, CLOTHES, GROUND = (210, 160, 130), (50, 30, 20), (40, 110, 60), (200,) * 3


def portrait(skin=SKIN_COLOUR, hair=HAIR_COLOUR, noise=4.0) -> tuple[np.ndarray, np.ndarray]:
    """A drawn head with hair to below the chin, ears, a neck, and clothes; and its person mask."""
    picture = np.full((512, 512, 3), GROUND, np.uint8)
    oval = np.round(MEAN[list(FACE_OVAL), :2] * 512).astype(np.int32)
    middle = tuple(int(v) for v in oval.mean(0))
    shapes = np.zeros((512, 512), np.uint8)
    for canvas, colours in ((picture, (CLOTHES, hair, skin)), (shapes, (1, 1, 1))):
        cv2.rectangle(canvas, (60, 470), (452, 512), colours[0], -1)
        cv2.ellipse(canvas, (middle[0], middle[1] - 10), (190, 230), 0, 0, 360, colours[1], -1)
        cv2.rectangle(canvas, (middle[0] - 60, 420), (middle[0] + 60, 480), colours[2], -1)
        for side in (-1, 1):
            cv2.circle(canvas, (middle[0] + side * 150, middle[1]), 22, colours[2], -1)
        cv2.fillPoly(canvas, [cv2.convexHull(oval)], colours[2])
    for brow in BROWS:
        cv2.fillPoly(picture, [np.round(MEAN[list(brow), :2] * 512).astype(np.int32)], hair)
    grain = np.random.default_rng(0).normal(0, noise, picture.shape)
    return (picture + grain).clip(0, 255).astype(np.uint8), shapes.astype(np.float32)


def at(zones: np.ndarray, x: float, y: float) -> str:
    return ZONES[int(zones[:, int(y * SIDE), int(x * SIDE)].argmax())]


@pytest.mark.parametrize("hair", [HAIR_COLOUR, (225, 200, 120), (150, 40, 30), (235, 235, 235)])
def test_hair_skin_and_clothes_of_any_colour(hair):
    zones = fine_zones(*_with_points(portrait(hair=hair)))
    middle = MEAN[list(FACE_OVAL), :2].mean(0)
    assert at(zones, middle[0] + 150 / 512, middle[1]) == "skin"  # an ear, not hair
    assert at(zones, middle[0], 0.86) == "skin"  # the neck
    assert at(zones, 0.5, 0.2) == at(zones, middle[0] - 0.3, 0.75) == "hair"
    assert at(zones, 0.2, 0.97) == "below"
    assert at(zones, 0.03, 0.1) == "rest"


def test_brows_are_hair_and_eyes_lie_between_the_lids():
    zones = fine_zones(*_with_points(portrait()))
    brow, eye = MEAN[list(BROWS[0]), :2].mean(0), MEAN[list(LEFT_EYE), :2].mean(0)
    assert at(zones, *brow) == "hair" and at(zones, *eye) == "eyes"


def test_a_fringe_is_hair():
    picture, person = portrait()
    cv2.rectangle(picture, (230, 130), (270, 190), HAIR_COLOUR, -1)
    zones = fine_zones(*_with_points((picture, person)))
    assert at(zones, 250 / 512, 170 / 512) == "hair"
    assert at(zones, 300 / 512, 185 / 512) == "skin"


def test_a_highlight_on_the_forehead_is_skin():
    picture, person = portrait()
    cv2.circle(picture, (256, 165), 14, (246, 214, 194), -1)
    assert at(fine_zones(*_with_points((picture, person))), 0.5, 165 / 512) == "skin"


def test_a_bald_head_has_no_hair():
    zones = fine_zones(*_with_points(portrait(hair=SKIN_COLOUR)))
    assert at(zones, 0.5, 0.2) == "skin"


def test_coarse_zones_go_by_colour_where_a_person_is_known():
    picture, points, person = _with_points(portrait(hair=SKIN_COLOUR))
    top, row, middle = ZONES.index("hair"), int(0.2 * 32), 16
    assert zone_maps(points, person)[top, row, middle] > 0.9
    bald = seen_zones(picture, points, person)
    assert bald.shape == (6, 32, 32) and bald[top, row, middle] < 0.1
    np.testing.assert_allclose(bald.sum(0), 1, atol=1e-4)
    haired = seen_zones(*_with_points(portrait()))
    assert haired[top, row, middle] > 0.9
    np.testing.assert_array_equal(seen_zones(picture, points, None), zone_maps(points))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.sampled_from(["noise", "black", "white", "one"]), st.booleans())
def test_any_picture_has_zones_that_sum_to_1(seed, kind, masked):
    rng = np.random.default_rng(seed)
    side = int(rng.integers(1, 300))
    pictures = {"black": 0, "white": 255, "one": 99}
    rgb = np.full((side, side, 3), pictures.get(kind, 0), np.uint8)
    if kind == "noise":
        rgb = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    person = rng.random((side, side)).astype(np.float32) if masked else None
    points = MEAN + rng.normal(0, 0.1, (468, 3)) if seed % 2 else None
    zones = fine_zones(rgb, points, person)
    assert zones.shape == (6, SIDE, SIDE) and np.isfinite(zones).all() and zones.min() >= 0
    np.testing.assert_allclose(zones.sum(0), 1, atol=1e-3)


def test_points_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        fine_zones(np.zeros((8, 8, 3), np.uint8), np.full((468, 3), np.nan), None)


def _with_points(drawn):
    picture, person = drawn
    return picture, MEAN, person
