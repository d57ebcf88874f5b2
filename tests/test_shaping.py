"""From an aligned face and a reference to what TT-Net sees: geometry, shape, colours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_reference

from hasnet_models import image_io
from hasnet_models.avatar import shaping
from hasnet_models.avatar.geometry import ASTRAY, Geometry, astray, five_points
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.reading import reference_of
from hasnet_models.face.align import warp
from hasnet_models.face.types import AlignedFace, Face, FaceMesh
from hasnet_models.plugins import DataFile, Domain
from hasnet_models.plugins.reference import Reference, save_references
from hasnet_models.runtimes.torch_runtime import TorchRuntime
from hasnet_models.topology.anime import anime_shape
from hasnet_models.topology.flow import jacobians
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.strength import Shaping
from hasnet_models.topology.zones import ZONES, zone_maps

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
MEAN = mean_face().astype(np.float32)
SHAPE = anime_shape().astype(np.float32)
SPOTS = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
LIGHT = np.full((48, 48, 3), 200, np.uint8)


@pytest.fixture(scope="module")
def geometry() -> Geometry:
    return Geometry()


@pytest.fixture(scope="module")
def astronaut(geometry) -> AlignedFace:
    rgb = image_io.read(ASTRONAUT).rgb
    matrix = np.array([[2.8, 0, -370.0], [0, 2.8, -50.0]])
    return geometry.known(AlignedFace(warp(rgb, matrix), matrix))


def face(points: np.ndarray | None = MEAN) -> AlignedFace:
    mesh = None if points is None else FaceMesh(points, 1.0)
    return AlignedFace(np.full((64, 64, 3), 128, np.uint8), np.eye(2, 3), mesh=mesh)


def reference(**more: np.ndarray) -> Reference:
    return replace(make_reference("r", 1), **more)


def domain(folder: Path, shaping: Shaping | None = None, **whole: np.ndarray) -> Domain:
    save_references(folder / "r", [reference(appearance=LIGHT), make_reference("s", 2)], **whole)
    return Domain("d", "D", "test", DataFile(folder / "r"), shaping=shaping or Shaping())


# ------------------------------------------------------------------------------------ geometry


def test_a_photo_has_mesh_person_and_zones(astronaut):
    assert astronaut.mesh is not None and astronaut.mesh.score > 0.95
    assert astronaut.person.shape == (512, 512)
    assert astronaut.person[256, 256] > 0.9
    assert astronaut.zones.shape == (6, 32, 32)
    np.testing.assert_allclose(astronaut.zones.sum(0), 1, atol=1e-5)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_even_picture_has_the_zones_of_a_mean_face(geometry, value):
    found = geometry.known(AlignedFace(np.full((64, 64, 3), value, np.uint8), np.eye(2, 3)))
    assert found.mesh is None
    assert found.person is None or found.person.mean() > 0.3
    assert found.zones.shape == (6, 32, 32)


def test_a_mesh_on_another_face_is_left_out(astronaut, geometry):
    inverse = np.linalg.inv(np.vstack([astronaut.matrix, [0, 0, 1]]))[:2]
    spots = five_points(astronaut.mesh) * 512 @ inverse[:, :2].T + inverse[:, 2]
    here = Face(np.zeros(4, np.float32), spots.astype(np.float32), 1.0)
    there = replace(here, landmarks=here.landmarks + np.float32(2 * ASTRAY * 512 / 2.8))
    assert not astray(astronaut.mesh, replace(astronaut, face=here))
    assert astray(astronaut.mesh, replace(astronaut, face=there))
    assert geometry.known(replace(astronaut, face=there)).mesh is None


def test_a_reference_takes_all_that_is_sure(astronaut):
    def embed(_crop: np.ndarray) -> np.ndarray:
        return make_reference("x", 1).z_id

    sure = reference_of(astronaut, "a", embed)
    assert sure.shape.shape == (468, 3) and np.abs(sure.shape).max() < 0.2
    assert sure.appearance.shape == (48, 48, 3) and sure.shares.shape == (20, 6)
    doubtful = replace(astronaut, mesh=replace(astronaut.mesh, score=0.9))
    found = reference_of(doubtful, "b", embed)
    assert found.shape is None and found.appearance is None
    np.testing.assert_array_equal(found.shares, sure.shares)
    blank = reference_of(AlignedFace(astronaut.crop, np.eye(2, 3)), "c", embed)
    assert blank.shape is None and blank.shares.shape == (20, 6)


# --------------------------------------------------------------------------------------- guide


def test_without_a_mesh_nothing_moves_and_nothing_is_laid_on(tmp_path):
    guide = shaping.guide(
        face(None), reference(shape=SHAPE, appearance=SPOTS), domain(tmp_path, shape=SHAPE), Look()
    )
    assert not guide.flow.any() and not guide.mask.any()
    np.testing.assert_allclose(guide.oval, zone_maps(None)[:3].sum(0))


@pytest.mark.parametrize("look", [Look(strength=0), Look(shape=0, appearance=0)])
def test_strength_nought_is_the_source(look):
    guide = shaping.guide(face(), reference(shape=SHAPE, appearance=SPOTS), None, look)
    assert not guide.flow.any()
    assert look.colouring == 0 and not guide.mask.any()


def test_a_reference_of_the_first_version_in_such_a_domain_changes_nothing(tmp_path):
    guide = shaping.guide(face(), reference(), domain(tmp_path), Look())
    assert not guide.flow.any() and not guide.mask.any()


def test_shapes_are_mixed_by_the_domains_weights(tmp_path):
    own = 0.5 * SHAPE
    plain, _ = shaping.aimed_shape(reference(shape=own), None, Look())
    np.testing.assert_allclose(plain[4], 0.8 * own[4], atol=1e-6)
    heavy = domain(tmp_path, Shaping(0.75, 1.0, 0.0), shape=SHAPE)
    aim, strength = shaping.aimed_shape(reference(shape=own), heavy, Look())
    assert strength == 0.75
    np.testing.assert_allclose(aim, SHAPE, atol=1e-3)
    assert shaping.aimed_shape(reference(), heavy, Look(shape=0.2))[1] == 0.2


def test_the_domains_map_stands_in_for_one_that_is_missing_or_foreign(tmp_path):
    whole = domain(tmp_path, appearance=LIGHT)
    assert (shaping.appearance_of(reference(), whole) == LIGHT).all()
    glasses = LIGHT.copy()
    glasses[12:20, 8:40] = (200, 20, 40)
    mended = shaping.appearance_of(reference(appearance=glasses), whole).astype(int)
    assert np.abs(mended - LIGHT).max() <= 2
    assert (shaping.appearance_of(reference(appearance=glasses), None) == glasses).all()
    assert shaping.appearance_of(reference(), None) is None


def test_wild_meshes_and_shapes_never_fold(tmp_path):
    rng = np.random.default_rng(4)
    wild = domain(tmp_path, Shaping(1.5, 2.0, 2.0), shape=(8 * SHAPE).clip(-1, 1))
    for _ in range(20):
        points = MEAN + rng.normal(0, 0.05, MEAN.shape).astype(np.float32)
        own = rng.normal(0, 0.1, MEAN.shape).clip(-1, 1).astype(np.float32)
        guide = shaping.guide(face(points), reference(shape=own, appearance=SPOTS), wild, Look())
        assert jacobians(guide.flow).min() > 0
        assert np.isfinite(guide.mask).all() and np.isfinite(guide.oval).all()


# ------------------------------------------------------------------------------------- tensors


RUNTIME = TorchRuntime(torch.device("cpu"), *(torch.nn.Identity() for _ in range(4)))


def test_a_picture_is_itself_where_nothing_is_to_do():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 3, 64, 64)).astype(np.float32)
    still = [shaping.guide(face(None), reference(), None, Look())] * 2
    moved, person = shaping.shaped(RUNTIME, x, still)
    assert moved is x and person.shape == (2, 1, 128, 128)
    assert shaping.coloured(RUNTIME, x, still, 0.8) is x
    moving = [shaping.guide(face(), reference(appearance=SPOTS), None, Look())] * 2
    assert shaping.coloured(RUNTIME, x, moving, 0.0) is x


def test_the_person_goes_with_the_warp_and_holds_the_face():
    person = np.zeros((64, 64), np.float32)
    person[:, :32] = 1
    source = replace(face(), person=person)
    guide = shaping.guide(source, reference(shape=SHAPE), None, Look(shape=1.5))
    _, who = shaping.shaped(RUNTIME, np.zeros((1, 3, 64, 64), np.float32), [guide])
    assert who[0, 0, 64, 120] < 0.1 and who[0, 0, 100, 10] > 0.9
    assert who[0, 0, 70, 70] > 0.9  # in the face, whatever the mask says


def test_a_bare_forehead_is_hardly_redrawn_and_a_fringe_is():
    zones = zone_maps(MEAN)
    above, hair = np.arange(32)[:, None] < 11, ZONES.index("hair")
    fringed = zones.copy()
    fringed[hair] += np.where(above, zones[0], 0)
    fringed[0] = np.where(above, 0, zones[0])
    x = np.zeros((1, 3, 64, 64), np.float32)
    for found, low, high in ((zones, 0, 0.3), (fringed, 0.9, 1)):
        source = replace(face(), zones=found, person=np.ones((64, 64), np.float32))
        guide = shaping.guide(source, reference(), None, Look())
        _, where = shaping.shaped(RUNTIME, x, [guide])
        assert low <= where[0, 0, 38, 64] <= high  # between brows and hair
        assert where[0, 0, 80, 64] > 0.95  # the nose
