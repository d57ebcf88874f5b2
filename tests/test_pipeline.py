"""The whole way from a photo to an avatar with the embedded weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hasnet_models import image_io
from hasnet_models.avatar import shaping
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.pipeline import likeness
from hasnet_models.avatar.steps import stages
from hasnet_models.errors import DomainError, UsageError, WeightsError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.plugins import DataFile, Domain
from hasnet_models.plugins.reference import Reference, save_references
from hasnet_models.runtimes.torch_runtime import TorchRuntime
from hasnet_models.topology.anime import anime_shape
from hasnet_models.topology.flow import jacobians
from hasnet_models.weights.files import weight_path
from hasnet_models.weights.load import (
    load_identity,
    load_rt,
    load_state,
    load_tt,
    load_vgg,
    save_state,
)

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"


def reference(seed: int, colour=(0, 0, 0)) -> Reference:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=192).astype(np.float32)
    palette = np.clip(rng.integers(0, 60, (20, 3)) + np.array(colour), 0, 255).astype(np.uint8)
    return Reference(f"r{seed}", palette, z / np.linalg.norm(z))


def domain(folder: Path, name: str, references, head: Path | None = None) -> Domain:
    path = folder / f"{name}.safetensors"
    save_references(path, references)
    return Domain(name, name, "test", DataFile(path), DataFile(head) if head else None)


def test_likeness_is_highest_for_itself():
    refs = [reference(i) for i in range(8)]
    # of the three nearest, one is itself
    assert likeness(refs[0], refs) > likeness(reference(99), refs)
    assert likeness(refs[0], refs[:1]) == pytest.approx(1)


@pytest.fixture(scope="module")
def face(networks):
    return networks.crop(image_io.read(ASTRONAUT))[0]


@pytest.mark.slow
def test_avatar_of_the_astronaut(networks, face):
    steps = networks.render(face, reference(0, (190, 150, 40)), None)
    for picture in stages(steps):
        assert picture.shape == (512, 512, 3) and picture.dtype == np.uint8
    assert np.ptp(steps.gray, axis=2).max() == 0
    red, _, blue = steps.x_rt.reshape(-1, 3).mean(0)
    assert red > blue + 40
    # the face is still there: its structure follows the source's
    inner = (slice(150, 420), slice(120, 390))
    a, b = (p[inner].mean(2).ravel() for p in (steps.gray, steps.x_tt))
    assert np.corrcoef(a, b)[0, 1] > 0.5


@pytest.mark.slow
def test_palette_and_identity_each_change_the_avatar(networks, face):
    base = reference(0, (190, 150, 40))
    other_palette = Reference("p", reference(1, (40, 90, 190)).palette, base.z_id)
    other_z = Reference("z", base.palette, reference(2).z_id)
    first, second, third = (
        networks.render(face, r, None).x_tt.astype(int) for r in (base, other_palette, other_z)
    )
    assert np.abs(first - second).mean() > 20
    assert np.abs(first - third).mean() > 0.2


@pytest.mark.slow
def test_rendering_is_repeatable(networks, face):
    first, second = (networks.render(face, reference(0), None).x_tt for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.slow
def test_nearest_domain_is_the_one_that_holds_the_reference(networks, tmp_path):
    warm = domain(tmp_path, "warm", [reference(i, (150, 60, 0)) for i in range(5)])
    cold = domain(tmp_path, "cold", [reference(i + 9, (0, 60, 150)) for i in range(5)])
    assert networks.nearest_domain(warm.references[2], [cold, warm]) is warm
    assert networks.nearest_domain(cold.references[1], [cold, warm]) is cold
    assert networks.nearest_domain(warm.references[0], []) is None


@pytest.mark.slow
def test_z_id_of_another_network_is_refused(networks, face):
    foreign = Reference("f", reference(0).palette, reference(0).z_id, z_id_model="arcface")
    with pytest.raises(UsageError, match="arcface"):
        networks.render(face, foreign, None)


@pytest.mark.slow
def test_a_head_that_gives_no_numbers_is_a_weights_error(networks, face, tmp_path, monkeypatch):
    head = tmp_path / "head.safetensors"
    save_state(head, *load_state(weight_path("tt_net.safetensors")))
    world = domain(tmp_path, "broken", [reference(0)], head)

    def nothing(picture, *_args, **_more):
        return np.full_like(picture, np.nan)

    monkeypatch.setattr(networks.runtime, "redraw", nothing)
    with pytest.raises(WeightsError, match="head of domain 'broken' gives values that are no num"):
        networks.render(face, world.references[0], world)


@pytest.mark.slow
def test_a_head_of_no_numbers_is_refused_before_it_is_used(networks, face, tmp_path):
    state, metadata = load_state(weight_path("tt_net.safetensors"))
    head = tmp_path / "head.safetensors"
    save_state(head, {n: torch.full_like(t, np.nan) for n, t in state.items()}, metadata)
    world = domain(tmp_path, "broken", [reference(0)], head)
    with pytest.raises(DomainError, match="NaN"):
        networks.render(face, world.references[0], world)


@pytest.mark.slow
def test_zones_are_those_of_the_avatar(networks, face):
    steps = networks.render(face, reference(0), None)
    assert steps.zones.shape == (6, 32, 32) and steps.zones.dtype == np.float32
    assert np.allclose(steps.zones.sum(0), 1, atol=1e-3)
    assert np.allclose(steps.zones, face.zones)  # this reference has no shape


@pytest.mark.slow
def test_damaged_head_is_a_domain_error(networks, face, tmp_path):
    head = tmp_path / "head.safetensors"
    head.write_bytes(b"not a head")
    broken = domain(tmp_path, "broken", [reference(0)], head)
    with pytest.raises(DomainError, match="head"):
        networks.render(face, broken.references[0], broken)


@pytest.mark.slow
def test_reference_from_a_picture_without_a_face(networks):
    flat = image_io.Photo(np.full((90, 120, 3), 200, np.uint8), None, None, None, "flat.png")
    found, notes = networks.reference_from_image(flat)
    assert (found.palette == 200).all() or found.palette.std() < 5
    assert any("No face" in note for note in notes)


@pytest.mark.slow
def test_shape_and_appearance_come_from_the_reference_and_can_be_left_out(networks, face):
    assert face.mesh is not None and face.person is not None
    own = networks.reference_from_image(image_io.read(ASTRONAUT))[0]
    assert own.shape is not None and own.appearance is not None
    eyes = replace(own, shape=anime_shape().astype(np.float32))
    whole = networks.render(face, eyes, None)
    bare = networks.render(face, eyes, None, Look(shape=0, appearance=0))
    assert np.array_equal(bare.x_rt, whole.x_rt)
    assert np.array_equal(bare.x_warp, bare.x_rt) and np.array_equal(bare.x_map, bare.x_rt)
    inner, edge = (slice(180, 300), slice(140, 370)), (slice(0, 4), slice(0, 512))
    assert np.abs(whole.x_warp.astype(int) - whole.x_rt)[inner].mean() > 5
    assert np.abs(whole.x_warp.astype(int) - whole.x_rt)[edge].max() <= 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["half", "two", "upside down", "even", "noise", "tiny face"])
def test_ugly_pictures_give_avatars_without_tears(networks, face, kind):
    crop = face.crop
    even = np.full_like(crop, 127)
    pictures = {
        "half": np.hstack([crop[:, :256], even[:, :256]]),
        "two": np.hstack([crop[:, 120:376], crop[:, 120:376][:, ::-1]]),
        "upside down": crop[::-1],
        "even": even,
        "noise": np.random.default_rng(0).integers(0, 256, crop.shape, dtype=np.uint8),
        "tiny face": np.vstack([even[:400], np.hstack([crop[::4, ::4][:112], even[:112, :384]])]),
    }
    photo = image_io.Photo(np.ascontiguousarray(pictures[kind]))
    ugly, notes = networks.crop(photo, FaceChoice("aligned"))
    assert any("no mesh" in note for note in notes) == (ugly.mesh is None)
    eyes = replace(reference(3, (150, 90, 60)), shape=anime_shape().astype(np.float32))
    guide = shaping.guide(ugly, eyes, None, Look(shape=1.5))
    assert jacobians(guide.flow).min() > 0
    for picture in stages(networks.render(ugly, eyes, None, Look(shape=1.5))):
        assert picture.shape == (512, 512, 3) and picture.dtype == np.uint8
    if kind in ("even", "noise"):
        assert ugly.mesh is None and not guide.flow.any()


@pytest.mark.slow
def test_weights_without_zones_still_work(networks, face):
    torch.manual_seed(0)
    blind = RTNet(replace(load_rt().config, zones=False)).eval().requires_grad_(False)
    runtime = TorchRuntime(torch.device("cpu"), blind, load_tt(), load_vgg(), load_identity())
    old = replace(networks, runtime=runtime)
    one = old.render(face, reference(1), None).x_rt
    other = old.render(replace(face, zones=None), reference(1), None).x_rt
    assert np.array_equal(one, other)
