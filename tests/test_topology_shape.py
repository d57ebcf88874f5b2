"""Pose, the shape of faces and domains, and where a shape sends the points of a source."""

from __future__ import annotations

import numpy as np
import pytest

from hasnet_models.topology.mean_face import (
    generalised_procrustes,
    mean_face,
    mirror_points,
    mirrored,
)
from hasnet_models.topology.points import (
    EYES,
    FACE_OVAL,
    INNER_LIPS,
    LEFT_EYE,
    LIPS,
    OUTER_LIPS,
    RIGHT_EYE,
)
from hasnet_models.topology.pose import Pose, fit_similarity, pose_of
from hasnet_models.topology.shape import (
    damped_lids,
    domain_shape,
    face_shape,
    mixed_shape,
    target,
)

MEAN = mean_face()
EYE, OTHER_EYE = list(LEFT_EYE), list(RIGHT_EYE)


def turned(degrees: float, scale: float = 1.0) -> Pose:
    """A head turned to the side about its own middle."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    centre = MEAN.mean(0)
    return Pose(scale, rotation, centre - scale * rotation @ centre)


def big_eyes() -> np.ndarray:
    """A shape whose eyes are half as large again, and nothing else."""
    shape = np.zeros_like(MEAN)
    for eye in EYES:
        ring = list(eye)
        shape[ring, :2] = 0.5 * (MEAN[ring, :2] - MEAN[ring, :2].mean(0))
    return shape


def smile(points: np.ndarray) -> np.ndarray:
    """The corners of the mouth up and outward, the middle of the lips down."""
    smiling = points.copy()
    lips = list(LIPS)
    side = (points[lips, 0] - 0.5) / 0.115
    smiling[lips, 1] += 0.01 - 0.03 * side**2
    smiling[lips, 0] += 0.02 * side
    return smiling


def curve(points: np.ndarray) -> float:
    """How much lower the middle of the lips is than their corners; above 0 is a smile."""
    return float(points[[0, 17], 1].mean() - points[[61, 291], 1].mean())


def opening(points: np.ndarray, eye: list[int]) -> float:
    return float(np.ptp(points[eye, 1]))


# --- mean face


def test_the_mean_face_is_symmetric_and_lies_where_the_frame_has_faces():
    np.testing.assert_allclose(mirrored(MEAN), MEAN, atol=1e-6)
    assert (mirror_points()[mirror_points()] == np.arange(468)).all()
    assert set(mirror_points()[EYE]) == set(OTHER_EYE)
    np.testing.assert_allclose(MEAN[EYE, :2].mean(0), [0.38, 0.478], atol=0.01)


def test_procrustes_finds_the_shape_behind_poses_and_wrong_meshes():
    rng = np.random.default_rng(0)
    faces = [
        turned(angle, scale).place(MEAN + rng.normal(0, 0.002, MEAN.shape))
        for angle, scale in zip(rng.uniform(-30, 30, 25), rng.uniform(0.8, 1.2, 25), strict=True)
    ]
    faces[3] = rng.random(MEAN.shape)
    found = generalised_procrustes(np.array(faces))
    gaps = fit_similarity(found, MEAN).place(found) - MEAN
    assert np.abs(gaps).max() < 0.005


# --- pose


@pytest.mark.parametrize("degrees", [-80, -20, 0, 35, 90])
def test_a_pose_is_found_again(degrees):
    pose = turned(degrees, 0.7)
    found = pose_of(pose.place(MEAN), MEAN)
    np.testing.assert_allclose(found.rotation, pose.rotation, atol=1e-8)
    assert found.scale == pytest.approx(0.7)
    np.testing.assert_allclose(found.bring_back(pose.place(MEAN)), MEAN, atol=1e-8)


def test_a_pose_has_no_reflection():
    found = fit_similarity(MEAN, MEAN * [-1, 1, 1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@pytest.mark.parametrize("points", [np.full((468, 3), np.nan), np.full((468, 3), np.inf)])
def test_points_that_are_no_numbers_have_no_pose(points):
    with pytest.raises(ValueError, match="not finite"):
        face_shape(points)
    with pytest.raises(ValueError, match="not finite"):
        target(points, big_eyes())


def test_points_in_one_place_have_no_pose():
    with pytest.raises(ValueError, match="one point"):
        face_shape(np.full((468, 3), 0.5))


# --- shapes


def test_the_shape_does_not_depend_on_the_pose():
    shape = face_shape(turned(25, 0.8).place(MEAN + big_eyes()))
    frontal = face_shape(MEAN + big_eyes())
    np.testing.assert_allclose(shape, frontal, atol=1e-8)
    assert opening(MEAN + frontal, EYE) > 1.3 * opening(MEAN, EYE)


def test_a_domains_shape_is_symmetric_and_ignores_single_faces():
    rng = np.random.default_rng(1)
    shapes = [big_eyes() + rng.normal(0, 0.001, MEAN.shape) for _ in range(15)]
    shapes[4] = shapes[4] + 0.2
    shape = domain_shape(shapes)
    np.testing.assert_allclose(mirrored(MEAN + shape), MEAN + shape, atol=1e-6)
    assert np.abs(shape - big_eyes()).max() < 0.003


def test_a_domain_without_faces_has_no_shape():
    with pytest.raises(ValueError, match="at least one"):
        domain_shape(np.empty((0, 468, 3)))


def test_without_a_sure_mesh_the_domain_counts_alone():
    domain = big_eyes()
    assert mixed_shape(domain, None) is domain
    np.testing.assert_allclose(mixed_shape(domain, np.zeros_like(domain)), 0.5 * domain, atol=1e-12)


def test_the_lids_of_a_reference_are_damped_and_its_nose_is_not():
    own = np.zeros_like(MEAN)
    own[EYE, 1] = -0.9 * (MEAN[EYE, 1] - MEAN[EYE, 1].mean())  # nearly closed
    own[4] = [0.0, 0.03, 0.0]
    calm = damped_lids(own)
    assert 0.4 < opening(MEAN + calm, EYE) / opening(MEAN, EYE) < 0.5
    np.testing.assert_array_equal(calm[4], own[4])
    assert own[EYE, 1].any()  # the argument is left alone


# --- targets


def test_the_mean_face_takes_the_shape_itself():
    shape = big_eyes()
    np.testing.assert_allclose(target(MEAN, shape, strength=1.0), MEAN + shape, atol=1e-5)


def test_strength_nought_and_the_own_domain_move_nothing():
    points = turned(20).place(smile(MEAN))
    np.testing.assert_allclose(target(points, big_eyes(), strength=0), points, atol=1e-6)
    np.testing.assert_allclose(target(points, big_eyes(), big_eyes()), points, atol=1e-6)


def test_a_turned_head_turns_the_displacement():
    pose, shape = turned(60, 0.9), np.zeros_like(MEAN)
    shape[list(FACE_OVAL), 0] = 0.1  # to the face's own side
    moved = target(pose.place(MEAN), shape, strength=1.0) - pose.place(MEAN)
    oval = moved[list(FACE_OVAL)]
    np.testing.assert_allclose(oval[:, 0], 0.1 * 0.9 * np.cos(np.radians(60)), atol=1e-5)
    np.testing.assert_allclose(oval[:, 1], 0, atol=1e-6)


def test_a_mirrored_source_has_the_mirrored_target():
    points, shape = turned(15).place(smile(MEAN)), big_eyes()
    there = target(mirrored(points), shape)
    np.testing.assert_allclose(there, mirrored(target(points, shape)), atol=1e-5)


@pytest.mark.parametrize("strength", [0.5, 1.1, 1.5])
def test_a_smile_stays_a_smile_where_the_domain_frowns(strength):
    frown = 2 * MEAN - smile(MEAN) - MEAN
    frown[list(LIPS), 0] *= 0.5
    before, after = curve(smile(MEAN)), curve(target(smile(MEAN), frown, strength=strength))
    assert before > 0.01 and after > 0.6 * before


def test_a_neutral_mouth_does_not_frown_when_photos_smile():
    smiling = smile(MEAN) - MEAN
    after = target(MEAN, np.zeros_like(MEAN), own_domain=smiling)
    width = np.ptp(MEAN[list(OUTER_LIPS), 0])
    assert curve(MEAN - smiling) < -0.005  # what the plain difference would make of it
    assert curve(after) > 0.6 * curve(MEAN)
    assert np.ptp(after[list(OUTER_LIPS), 0]) == pytest.approx(width, rel=1e-4)


@pytest.mark.parametrize(("factor", "smaller"), [(0.9, False), (0.6, True)])
def test_a_mouth_narrows_only_for_one_that_is_small_at_rest(factor, smaller):
    lips, shape = list(LIPS), np.zeros_like(MEAN)
    shape[lips, 0] = (factor - 1) * (MEAN[lips, 0] - MEAN[lips, 0].mean())
    width = np.ptp(target(smile(MEAN), shape, strength=1.0)[lips, 0]) / np.ptp(smile(MEAN)[lips, 0])
    assert width == pytest.approx(factor / 0.84 if smaller else 1, rel=0.02)


@pytest.mark.parametrize("factor", [0.01, 20.0])
def test_a_mouth_stays_within_its_sizes(factor):
    shape = np.zeros_like(MEAN)
    lips = list(LIPS)
    shape[lips, :2] = (factor - 1) * (MEAN[lips, :2] - MEAN[lips, :2].mean(0))
    after, before = target(MEAN, shape)[lips], MEAN[lips]
    ratio = np.ptp(after[:, :2], axis=0) / np.ptp(before[:, :2], axis=0)
    assert 0.49 < ratio[0] < 1.51 and 0.59 < ratio[1] < 1.41


def test_a_wide_open_mouth_stays_open():
    points = MEAN.copy()
    lower = [i for i in INNER_LIPS if MEAN[i, 1] > MEAN[list(INNER_LIPS), 1].mean()]
    points[lower, 1] += 0.1
    after = target(points, big_eyes())
    assert np.ptp(after[list(INNER_LIPS), 1]) > 0.9 * np.ptp(points[list(INNER_LIPS), 1])


def test_a_closed_eye_stays_closed_and_an_open_one_grows():
    points = MEAN.copy()
    points[EYE, 1] = MEAN[EYE, 1].mean() + 0.05 * (MEAN[EYE, 1] - MEAN[EYE, 1].mean())
    after = target(points, big_eyes(), strength=1.0)
    assert opening(after, EYE) < 0.004
    assert opening(after, OTHER_EYE) == pytest.approx(1.5 * opening(MEAN, OTHER_EYE), rel=0.02)


def test_a_reference_with_closed_eyes_does_not_turn_lids_inside_out():
    closed = np.zeros_like(MEAN)
    for eye in EYES:
        ring = list(eye)
        closed[ring, 1] = -2.0 * (MEAN[ring, 1] - MEAN[ring, 1].mean())
    after = target(MEAN, closed, strength=1.5)
    upper, lower = 159, 145
    assert after[lower, 1] > after[upper, 1]
