"""The appearance map: a reference's colours on the mean face, and from there on another face."""

from __future__ import annotations

import numpy as np
import pytest

from hasnet_models.opencv import cv2
from hasnet_models.topology.appearance import (
    CORNER,
    EXTENT,
    SIDE,
    appearance_map,
    believed,
    deviation,
    evenly_lit,
    face_mask,
    facing,
    mean_map,
    placed,
    spread,
)
from hasnet_models.topology.mean_face import mean_face, mirrored
from hasnet_models.topology.points import FACE_OVAL
from hasnet_models.topology.pose import Pose

MEAN = mean_face()
LEFT_CHEEK, RIGHT_CHEEK, NOSE = 50, 280, 4
RED, GREEN, GREY = (200, 30, 30), (30, 180, 60), (128, 128, 128)


def turned(degrees: float) -> np.ndarray:
    """The mean face turned to the side."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    centre = MEAN.mean(0)
    return Pose(1.0, rotation, centre - rotation @ centre).place(MEAN)


def blob(points: np.ndarray, index: int, colour: tuple[int, ...], side: int = 256) -> np.ndarray:
    """A grey picture with a spot of colour at a point of the mesh."""
    picture = np.full((side, side, 3), GREY, np.uint8)
    x, y = points[index, :2] * side
    cv2.circle(picture, (int(x), int(y)), side // 14, colour, -1)
    return picture


def redness(picture: np.ndarray, places: np.ndarray) -> float:
    """Red minus green at a place (2,), in fractions of the picture."""
    column, row = (np.clip(places[:2], 0, 0.999) * len(picture)).astype(int)
    return float(picture[row, column, 0]) - float(picture[row, column, 1])


def on_map(index: int) -> np.ndarray:
    return (MEAN[index, :2] - CORNER) / EXTENT


# --- the map


def test_the_map_covers_the_mean_face():
    oval = (MEAN[list(FACE_OVAL), :2] - CORNER) / EXTENT
    assert oval.min() > 0.03 and oval.max() < 0.985


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30)])
def test_an_even_picture_has_an_even_map(colour):
    picture = np.full((512, 512, 3), colour, np.uint8)
    found = appearance_map(picture, turned(20))
    assert found.shape == (SIDE, SIDE, 3) and found.dtype == np.uint8
    assert (found == colour).all()


@pytest.mark.parametrize("degrees", [-25, 0, 25])
def test_a_red_cheek_is_red_on_the_map_and_on_another_face(degrees):
    reference = turned(degrees)
    found = appearance_map(blob(reference, LEFT_CHEEK, RED), reference)
    assert redness(found, on_map(LEFT_CHEEK)) > 60
    assert abs(redness(found, on_map(RIGHT_CHEEK))) < 10
    other = turned(-10) * 0.8 + 0.1
    colours = placed(found, other, 128)
    assert colours.shape == (128, 128, 3) and colours.dtype == np.float32
    assert redness(colours, other[LEFT_CHEEK]) > 60
    assert abs(redness(colours, other[RIGHT_CHEEK])) < 10


def test_a_face_gets_back_its_own_colours():
    picture = blob(MEAN, RIGHT_CHEEK, GREEN)
    mask = face_mask(MEAN, 256)
    gap = np.abs(placed(appearance_map(picture, MEAN), MEAN, 256) - picture).mean(2)
    assert (gap * mask).sum() / mask.sum() < 5


def test_a_mirrored_reference_has_the_mirrored_map():
    picture, points = blob(turned(20), LEFT_CHEEK, RED), turned(20)
    there = appearance_map(np.ascontiguousarray(picture[:, ::-1]), mirrored(points))
    gap = np.abs(there.astype(int) - appearance_map(picture, points)[:, ::-1])
    assert gap.mean() < 1 and np.percentile(gap, 99) < 12


# --- turned away


@pytest.mark.parametrize("degrees", [-65, 65])
def test_the_side_that_is_hidden_is_the_mirrored_other_one(degrees):
    points = turned(degrees)
    hidden, shown = sorted((LEFT_CHEEK, RIGHT_CHEEK), key=lambda index: -points[index, 2])
    picture = np.full((256, 256, 3), RED, np.uint8)
    edge = int(256 * points[NOSE, 0])
    if points[hidden, 0] < points[shown, 0]:
        picture[:, :edge] = GREEN
    else:
        picture[:, edge:] = GREEN
    found = appearance_map(picture, points)
    assert redness(found, on_map(shown)) > 100
    assert redness(found, on_map(hidden)) > 40


def test_a_frontal_face_painted_on_one_side_stays_so():
    picture = np.full((256, 256, 3), RED, np.uint8)
    picture[:, 128:] = GREEN
    found = appearance_map(picture, MEAN)
    assert redness(found, on_map(LEFT_CHEEK)) > 100
    assert redness(found, on_map(RIGHT_CHEEK)) < -100


def test_the_nearer_side_faces_the_viewer():
    left, right = facing(turned(40))[20, [8, 39]]
    other_left, other_right = facing(turned(-40))[20, [8, 39]]
    assert (left - right) * (other_left - other_right) < 0
    assert facing(MEAN)[24, 24] > 0.8
    np.testing.assert_allclose(facing(MEAN), facing(MEAN)[:, ::-1], atol=0.1)


# --- the mask


@pytest.mark.parametrize("side", [64, 128, 512])
def test_the_mask_is_the_face_without_forehead(side):
    mask = face_mask(MEAN, side)
    assert mask.shape == (side, side) and mask.min() >= 0 and mask.max() <= 1

    def at(x: float, y: float) -> float:
        return float(mask[int(y * side), int(x * side)])

    assert at(*MEAN[NOSE, :2]) > 0.99 and at(*MEAN[LEFT_CHEEK, :2]) > 0.99
    assert at(0.5, 0.31) < 0.05 and at(0.05, 0.6) < 0.01 and at(0.5, 0.97) < 0.01


def test_the_mask_of_a_face_beyond_the_frame_is_empty():
    assert face_mask(MEAN + 5, 64).max() < 0.01
    assert np.isfinite(face_mask(MEAN * 1e30, 64)).all()


# --- several, and none


def test_the_map_of_a_domain_ignores_single_references():
    plain, odd = np.full((SIDE, SIDE, 3), 90, np.uint8), np.full((SIDE, SIDE, 3), 255, np.uint8)
    assert (mean_map([plain, plain, odd]) == 90).all()
    with pytest.raises(ValueError, match="at least one"):
        mean_map([])


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_three_quarters_of_the_maps_are_within_the_spread(count):
    maps = np.full((count, 48, 48, 3), 128, np.uint8)
    maps[:, 20:30, 20:30] += (np.arange(count, dtype=np.uint8) * 5)[:, None, None, None]
    mean = mean_map(maps)
    far = np.linalg.norm(deviation(maps, mean)[0], axis=3)
    wanted = cv2.GaussianBlur(np.quantile(far, 0.75, axis=0).astype(np.float32), (0, 0), 2)
    np.testing.assert_allclose(spread(maps, mean), wanted, atol=1e-5)


def test_points_that_are_no_numbers_are_refused():
    broken = np.full((468, 3), np.nan)
    picture = np.zeros((32, 32, 3), np.uint8)
    for call in (
        lambda: appearance_map(picture, broken),
        lambda: placed(np.zeros((SIDE, SIDE, 3)), broken, 32),
        lambda: face_mask(broken, 32),
    ):
        with pytest.raises(ValueError, match="not finite"):
            call()


def maps(count: int, noise: float) -> np.ndarray:
    """Faces of one domain: skin of many tints, features that vary by so much."""
    rng = np.random.default_rng(0)
    base = np.array([200, 160, 140]) + rng.normal(0, 15, (count, 1, 1, 3))
    return (base + rng.normal(0, noise, (count, SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8)


def test_coloured_glasses_are_left_out_of_a_map_and_paint_is_kept_where_it_is_usual():
    faces = maps(12, 4)
    mean = mean_map(faces)
    glasses = faces[0].copy()
    glasses[14:22, 8:40] = (40, 60, 220)
    mended = believed(glasses, mean, spread(faces, mean))
    assert np.abs(mended.astype(int) - faces[0]).mean() < 6
    assert np.abs(mended[14:22, 8:40].astype(int) - faces[0][14:22, 8:40]).max() < 60
    painted = faces.copy()
    painted[::2, 14:22, 8:40] = (40, 60, 220)
    usual = mean_map(painted)
    kept = believed(painted[0], usual, spread(painted, usual))
    assert np.abs(kept[16:20, 12:36].astype(int) - painted[0][16:20, 12:36]).mean() < 12


def test_a_face_of_another_tint_is_believed():
    faces = maps(12, 4)
    mean = mean_map(faces)
    green = np.clip(faces[3] + np.array([-80, 20, -60]), 0, 255).astype(np.uint8)
    assert np.abs(believed(green, mean, spread(faces, mean)).astype(int) - green).mean() < 3


def test_side_light_is_taken_off_and_symmetric_shade_stays():
    side = np.linspace(90, 230, SIDE)[None, :, None].repeat(SIDE, 0).repeat(3, 2).astype(np.uint8)
    even = evenly_lit(side).astype(int)
    assert np.ptp(even.mean((0, 2))) < 0.4 * np.ptp(side.astype(int).mean((0, 2)))
    both = np.minimum(side, side[:, ::-1])
    assert np.abs(evenly_lit(both).astype(int) - both).max() <= 1
    assert (evenly_lit(side, 0.0).astype(int) - side).max() <= 1
