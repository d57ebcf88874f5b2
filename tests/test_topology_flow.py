"""Thin-plate splines and the flow: they move what they should, and nothing ever folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hasnet_models.topology import thin_plate
from hasnet_models.topology.flow import (
    GRID,
    SMALLEST_AREA,
    TRAINING_GRID,
    border_points,
    cell_centres,
    flow,
    jacobians,
    unfolded,
    warped,
)
from hasnet_models.topology.mean_face import mean_face, mirrored
from hasnet_models.topology.points import CONTROL, EYES, FACE_OVAL, LEFT_EYE

MEAN = mean_face()


def bigger_eyes(factor: float = 1.6) -> np.ndarray:
    points = MEAN.copy()
    for eye in EYES:
        ring = list(eye)
        points[ring, :2] = points[ring, :2].mean(0) + factor * (
            points[ring, :2] - points[ring, :2].mean(0)
        )
    return points


def folds(displacement: np.ndarray) -> bool:
    return bool(jacobians(displacement).min() < 0.99 * SMALLEST_AREA)


# --- thin-plate spline


def test_a_spline_without_smoothing_goes_through_its_values():
    rng = np.random.default_rng(0)
    centres, values = rng.random((12, 2)), rng.random((12, 3))
    found = thin_plate.fit(centres, values, smoothing=1e-9).at(centres)
    np.testing.assert_allclose(found, values, atol=1e-3)


def test_a_spline_of_a_plane_is_the_plane():
    rng = np.random.default_rng(1)
    centres, places = rng.random((10, 2)), rng.random((5, 2))
    found = thin_plate.fit(centres, centres @ [[2.0], [-1.0]] + 3, smoothing=1).at(places)
    np.testing.assert_allclose(found, places @ [[2.0], [-1.0]] + 3, atol=1e-5)


def test_centres_on_one_line_are_refused():
    line = np.column_stack([np.arange(5.0), np.zeros(5)])
    with pytest.raises(ValueError, match="one line"):
        thin_plate.fit(line, line)


# --- what the flow does


@pytest.mark.parametrize("grid", [8, TRAINING_GRID, GRID])
def test_the_same_mesh_gives_no_flow(grid):
    displacement = flow(MEAN, MEAN, grid)
    assert displacement.shape == (2, grid, grid) and displacement.dtype == np.float32
    assert not displacement.any()


def test_it_is_a_backward_map_that_brings_points_to_their_targets():
    goal = bigger_eyes()
    corner = 33  # of the left eye, which moves outward to the left
    displacement = flow(MEAN, goal)
    row, column = (goal[corner, 1::-1] * GRID).astype(int)
    seen = cell_centres(GRID).reshape(GRID, GRID, 2)[row, column] + displacement[:, row, column]
    gap = np.abs(goal[corner, :2] - MEAN[corner, :2]).max()
    assert np.abs(seen - MEAN[corner, :2]).max() < 0.5 * gap + 0.5 / GRID


def test_a_warped_eye_is_larger():
    picture = np.zeros((256, 256), np.float32)
    ring = MEAN[list(LEFT_EYE), :2] * 256
    y, x = np.indices(picture.shape) + 0.5
    inside = ((x - ring[:, 0].mean()) / np.ptp(ring[:, 0])) ** 2
    inside = inside + ((y - ring[:, 1].mean()) / np.ptp(ring[:, 1])) ** 2 < 0.25
    picture[inside] = 1
    assert warped(picture, flow(MEAN, bigger_eyes())).sum() > 1.3 * picture.sum()


def test_a_mirrored_face_has_the_mirrored_flow():
    goal = bigger_eyes()
    goal[list(FACE_OVAL)[:12], 0] += 0.04  # one side only
    there = flow(mirrored(MEAN), mirrored(goal))
    here = flow(MEAN, goal)[:, :, ::-1] * np.array([-1, 1])[:, None, None]
    np.testing.assert_allclose(there, here, atol=2e-5)


def test_the_border_of_the_frame_stays():
    displacement = flow(MEAN, MEAN + 0.07)
    edge = np.concatenate([displacement[:, [0, -1]], displacement[:, :, [0, -1]].swapaxes(1, 2)])
    assert not edge.any() and displacement.any()
    picture = np.random.default_rng(2).random((64, 64, 3)).astype(np.float32)
    after = warped(picture, displacement)
    np.testing.assert_allclose(after[0], picture[0], atol=1e-6)
    np.testing.assert_allclose(after[:, -1], picture[:, -1], atol=1e-6)


def test_no_flow_leaves_a_picture_as_it_is():
    picture = np.random.default_rng(3).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(warped(picture, flow(MEAN, MEAN)), picture)


# --- folds


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    spread=st.sampled_from([1e-9, 0.01, 0.2, 1.0, 100.0]),
    far=st.sampled_from([0.0, 0.05, 1.0, 1e30]),
    grid=st.sampled_from([8, TRAINING_GRID, GRID]),
)
def test_no_meshes_fold_the_picture(seed, spread, far, grid):
    rng = np.random.default_rng(seed)
    points = 0.5 + spread * rng.normal(size=(468, 3))
    assert not folds(flow(points, points + far * rng.normal(size=(468, 3)), grid))


def test_an_inverted_face_does_not_fold():
    assert not folds(flow(MEAN, MEAN * [1, -1, 1] + [0, 1, 0]))
    assert not folds(flow(MEAN, np.full_like(MEAN, 0.5)))


def test_half_a_face_outside_the_frame_does_not_fold():
    outside = MEAN + 0.6
    assert not folds(flow(outside, outside + 0.3 * (MEAN - bigger_eyes())))


def test_a_profile_whose_far_side_lies_on_the_near_one_does_not_fold():
    profile = MEAN.copy()
    profile[:, 0] = 0.5 + 0.05 * (MEAN[:, 0] - 0.5) + 0.8 * MEAN[:, 2]
    goal = profile + 0.03 * np.random.default_rng(4).normal(size=(468, 3))
    assert not folds(flow(profile, goal))


def test_a_local_fold_does_not_cost_the_rest_of_the_warp():
    goal = bigger_eyes()
    torn = goal.copy()
    torn[[61, 291]] = torn[[291, 61]]  # the corners of the mouth change sides
    calm, held = flow(MEAN, goal), flow(MEAN, torn)
    assert not folds(held)
    eye = slice(int(0.42 * GRID), int(0.54 * GRID))
    assert np.abs(held[:, eye]).max() > 0.6 * np.abs(calm[:, eye]).max()


def test_the_limit_acts_on_what_folds_only():
    gentle = flow(MEAN, bigger_eyes())
    np.testing.assert_array_equal(unfolded(gentle), gentle)
    assert folds(60 * gentle) and not folds(unfolded(60 * gentle))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_no_numbers_are_refused(value):
    broken = MEAN.copy()
    broken[CONTROL[0], 0] = value
    with pytest.raises(ValueError, match="not finite"):
        flow(MEAN, broken)
    with pytest.raises(ValueError, match="not finite"):
        flow(broken, MEAN)


def test_the_border_is_held_by_twenty_points():
    points = border_points()
    assert len(np.unique(points.round(6), axis=0)) == 20
    assert (np.isclose(points, 0) | np.isclose(points, 1)).any(1).all()
