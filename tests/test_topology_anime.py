"""Anime: its measures as a shape, and points from the boxes of a face's parts."""

from __future__ import annotations

import numpy as np
import pytest

from hasnet_models.frame import transform
from hasnet_models.topology.anime import (
    EYE_SIZE,
    anime_shape,
    frame_matrix,
    framed,
    points_from_boxes,
)
from hasnet_models.topology.flow import SMALLEST_AREA, flow, jacobians
from hasnet_models.topology.mean_face import mean_face, mirrored
from hasnet_models.topology.points import CHIN, LEFT_EYE, LIPS, NOSE_TIP, RIGHT_EYE
from hasnet_models.topology.shape import STRENGTHS, face_shape, target

MEAN = mean_face()
BOXES = {
    "re": [0.22, 0.31, 0.17, 0.15],
    "le": [0.55, 0.30, 0.18, 0.14],
    "mouth": [0.44, 0.57, 0.09, 0.05],
    "nose": [0.46, 0.50],
    "chin": [0.47, 0.68],
}


def box(points: np.ndarray, part: tuple[int, ...]) -> np.ndarray:
    low, high = points[list(part), :2].min(0), points[list(part), :2].max(0)
    return np.array([*low, *(high - low)])


def test_the_mean_face_gets_animes_measures():
    points = MEAN + anime_shape()
    np.testing.assert_allclose(box(points, LEFT_EYE)[2:], EYE_SIZE, atol=1e-6)
    assert box(points, LIPS)[2] < 0.7 * box(MEAN, LIPS)[2]
    assert points[CHIN, 1] < MEAN[CHIN, 1] - 0.05
    np.testing.assert_allclose(mirrored(points), points, atol=2e-3)


def test_a_photo_is_brought_to_anime_without_folds():
    there = target(MEAN, anime_shape(), strength=STRENGTHS["anime"])
    assert box(there, LEFT_EYE)[3] > 2 * box(MEAN, LEFT_EYE)[3]
    assert jacobians(flow(MEAN, there)).min() > 0.99 * SMALLEST_AREA


def test_points_lie_in_their_boxes():
    points = points_from_boxes(BOXES)
    assert points.shape == (468, 3) and points.dtype == np.float32
    for part, name in ((LEFT_EYE, "re"), (RIGHT_EYE, "le"), (LIPS, "mouth")):
        np.testing.assert_allclose(box(points, part), BOXES[name], atol=1e-5)
    np.testing.assert_allclose(points[NOSE_TIP, :2], BOXES["nose"], atol=1e-5)
    np.testing.assert_allclose(points[CHIN, :2], BOXES["chin"], atol=1e-5)
    assert np.abs(face_shape(points)).max() < 0.3


def test_moved_boxes_move_every_point():
    moved = {name: [v + 0.1 * (k < 2) for k, v in enumerate(b)] for name, b in BOXES.items()}
    shift = points_from_boxes(moved) - points_from_boxes(BOXES)
    np.testing.assert_allclose(shift[:, :2], 0.1, atol=1e-4)
    np.testing.assert_allclose(shift[:, 2], 0, atol=1e-4)


def test_a_tilted_head_is_tilted():
    low = {**BOXES, "le": [0.52, 0.42, 0.18, 0.14], "chin": [0.42, 0.7]}
    points = points_from_boxes(low)
    assert points[454, 1] > points[234, 1] + 0.05  # the right side of the face lies lower


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"re": [0.2, 0.3, 0.0, 0.1]}, "empty"),
        ({"nose": [np.nan, 0.5]}, "not finite"),
        ({"chin": None}, "no box for: chin"),
    ],
)
def test_boxes_that_say_nothing_are_refused(change, message):
    boxes = {name: b for name, b in {**BOXES, **change}.items() if b is not None}
    with pytest.raises(ValueError, match=message):
        points_from_boxes(boxes)


def test_picture_and_points_go_to_the_frame_together():
    points, matrix = points_from_boxes(BOXES), frame_matrix(256)
    by_pixels = (transform(points[:, :2] * 256 - 0.5, matrix) + 0.5) / 256
    np.testing.assert_allclose(framed(points)[:, :2], by_pixels, atol=1e-6)
    eyes = framed(points)[[*LEFT_EYE, *RIGHT_EYE], 1].mean()
    assert abs(eyes - 0.48) < 0.04
