"""The face mesh: on a real photo, moved, mirrored, half hidden, and on pictures without a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hasnet_models.errors import WeightsError
from hasnet_models.face import session
from hasnet_models.face.align import warp
from hasnet_models.face.centerface import CenterFace
from hasnet_models.face.mesh import MeshFinder
from hasnet_models.frame import FFHQ_TEMPLATE_512, similarity
from hasnet_models.opencv import cv2

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
# Of the mesh: outer and inner corner of each eye, tip of the nose, corners of the mouth.
LEFT_EYE, RIGHT_EYE, NOSE, MOUTH = (33, 133), (263, 362), 4, (61, 291)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finder() -> MeshFinder:
    return MeshFinder()


@pytest.fixture(scope="module")
def crop() -> np.ndarray:
    photo = cv2.cvtColor(cv2.imread(str(ASTRONAUT)), cv2.COLOR_BGR2RGB)
    face = CenterFace().detect(photo)[0]
    return warp(photo, similarity(face.landmarks))


def landmarks(points: np.ndarray) -> np.ndarray:
    """The five landmarks of the aligned frame, in its 512 px."""
    eyes = [points[list(eye), :2].mean(0) for eye in (LEFT_EYE, RIGHT_EYE)]
    return np.array([*eyes, points[NOSE, :2], *points[list(MOUTH), :2]]) * 512


def test_the_points_lie_where_the_frame_has_a_face(finder, crop):
    mesh = finder.find(crop)
    assert mesh.points.shape == (468, 3) and mesh.points.dtype == np.float32
    assert mesh.score > 0.97 and mesh.source == "mesh"
    assert np.abs(landmarks(mesh.points) - FFHQ_TEMPLATE_512).max() < 25


def test_fractions_do_not_depend_on_the_size_of_the_crop(finder, crop):
    small = finder.look(np.ascontiguousarray(crop[::2, ::2])).points
    assert np.abs(small - finder.look(crop).points).max() < 0.012


def test_a_moved_face_moves_its_points(finder, crop):
    moved = np.roll(crop, (20, -30), axis=(0, 1))
    shift = finder.look(moved).points - finder.look(crop).points
    np.testing.assert_allclose(np.median(shift, 0)[:2] * 512, [-30, 20], atol=3)


def test_a_mirrored_face_has_mirrored_points(finder, crop):
    points = landmarks(finder.look(crop).points)
    mirrored = landmarks(finder.look(np.ascontiguousarray(crop[:, ::-1])).points)
    mirrored[:, 0] = 512 - mirrored[:, 0]
    assert np.abs(mirrored[[1, 0, 2, 4, 3]] - points).max() < 8


@pytest.mark.parametrize("side", [1, 40, 512])
@pytest.mark.parametrize("value", [0, 255])
def test_an_even_picture_has_no_face(finder, side, value):
    assert finder.find(np.full((side, side, 3), value, np.uint8)) is None


def test_half_a_face_has_finite_points(finder, crop):
    half = crop.copy()
    half[:, 256:] = 0
    mesh = finder.look(half)
    assert np.isfinite(mesh.points).all() and 0 <= mesh.score <= 1


def test_many_faces_come_as_two_arrays(finder, crop):
    points, scores = finder.look_all([crop, np.zeros_like(crop)])
    assert points.shape == (2, 468, 3) and scores[0] > 0.97 and scores[1] < 0.8
    assert finder.look_all([])[0].shape == (0, 468, 3)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((8, 9, 3), np.uint8),
        np.zeros((8, 8), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((8, 8, 3), np.float32),
    ],
)
def test_what_is_no_square_picture_is_refused(finder, picture):
    with pytest.raises(ValueError, match="expected a uint8"):
        finder.look(picture)


def test_a_damaged_network_is_one_sentence(tmp_path, monkeypatch):
    broken = tmp_path / "face_mesh.onnx"
    broken.write_bytes(b"no network")
    monkeypatch.setattr(session, "weight_path", lambda name: broken)
    with pytest.raises(WeightsError, match=r"face_mesh\.onnx cannot be loaded"):
        MeshFinder()
