"""Several faces in one call of the networks are the faces one by one; tiny networks will do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from nano import CPU, preset

from hasnet_models.avatar.look import Look
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.controls.background_choice import Background
from hasnet_models.controls.zone_choice import parse_colours
from hasnet_models.errors import UsageError
from hasnet_models.face.types import AlignedFace, FaceMesh
from hasnet_models.lab import to_lab
from hasnet_models.networks.identity import MobileFaceNet
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tt_net import TTNet
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.plugins.reference import Reference
from hasnet_models.runtimes.torch_runtime import TorchRuntime
from hasnet_models.topology.anime import anime_shape
from hasnet_models.topology.mean_face import mean_face


@pytest.fixture(scope="module")
def pipeline() -> AvatarPipeline:
    torch.manual_seed(0)
    config = preset()
    nets = (RTNet(config.rt), TTNet(config.tt), VGGFeatures("vgg16", "relu4_2"), MobileFaceNet())
    nets = (net.eval().requires_grad_(False) for net in nets)
    return AvatarPipeline(TorchRuntime(CPU, *nets), None)


def aligned(count: int) -> list[AlignedFace]:
    """Without a mesh, except the last one."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    faces = [AlignedFace(one.repeat(8, 0).repeat(8, 1), np.eye(2, 3)) for one in small]
    mesh = FaceMesh(mean_face().astype(np.float32), 1.0)
    return [*faces[:-1], replace(faces[-1], mesh=mesh)]


def references(count: int) -> list[Reference]:
    rng = np.random.default_rng(1)
    palettes = rng.integers(0, 256, (count, 20, 3), dtype=np.uint8)
    z_ids = rng.normal(size=(count, 192)).astype(np.float32)
    z_ids /= np.linalg.norm(z_ids, axis=1, keepdims=True)
    appearance = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
    own = {"shape": anime_shape().astype(np.float32), "appearance": appearance}
    return [Reference(f"r{i}", palettes[i], z_ids[i], **own) for i in range(count)]


def test_together_is_one_by_one(pipeline):
    faces, looks = aligned(3), references(3)
    together = pipeline.render_many(faces, looks, None)
    for face, look, steps in zip(faces, looks, together, strict=True):
        alone = pipeline.render(face, look, None)
        assert steps.source is face.crop
        for name in ("gray", "x_rt", "x_warp", "x_map", "x_tt"):
            one, many = getattr(alone, name), getattr(steps, name)
            assert one.shape == many.shape == (64, 64, 3) and one.dtype == np.uint8
            assert np.abs(one.astype(int) - many).max() <= 1, name
    assert not np.array_equal(together[0].x_tt, together[1].x_tt)
    # what has no mesh keeps its shape and colours beside one that has
    for steps, moved in zip(together, (False, False, True), strict=True):
        for before, after in ((steps.x_rt, steps.x_warp), (steps.x_warp, steps.x_map)):
            assert (np.abs(before.astype(int) - after).max() > 1) == moved


def test_one_foreign_reference_refuses_the_call(pipeline):
    looks = references(2)
    foreign = Reference("f", looks[1].palette, looks[1].z_id, z_id_model="arcface")
    with pytest.raises(UsageError, match="arcface"):
        pipeline.render_many(aligned(2), [looks[0], foreign], None)


def test_the_identity_of_a_crop_is_of_unit_length(pipeline):
    z_id = pipeline.embed(aligned(1)[0].crop.repeat(2, 0).repeat(2, 1))
    assert z_id.shape == (192,) and abs(np.linalg.norm(z_id) - 1) < 1e-3


WISHES = Look(
    colour=parse_colours(["hair=#3060a0"]), keep=("skin",), background=Background.parse("blur")
)


def test_controls_together_are_one_by_one(pipeline):
    faces, looks = aligned(3), references(3)
    together = pipeline.render_many(faces, looks, None, WISHES)
    for face, look, steps in zip(faces, looks, together, strict=True):
        alone = pipeline.render(face, look, None, WISHES)
        for name in ("gray", "x_rt", "x_map", "x_tt", "person"):
            one, many = getattr(alone, name), getattr(steps, name)
            assert np.abs(one.astype(int) - many).max() <= 1, name
        assert steps.person.shape == (64, 64) and steps.person.dtype == np.uint8


def test_without_controls_nothing_changes(pipeline):
    face, look = aligned(1)[0], references(1)[0]
    whole = pipeline.render(face, look, None)
    assert whole.person is None
    same = pipeline.render(face, look, None, Look(colour=(), keep=(), background=Background()))
    cut = pipeline.render(face, look, None, Look(background=Background.parse("#fff")))
    for steps in (same, cut):
        np.testing.assert_array_equal(steps.x_tt, whole.x_tt)


def test_all_colours_kept_are_the_photo_s(pipeline):
    face, look = aligned(2)[0], references(1)[0]
    kept = pipeline.render(face, look, None, Look(keep=("all",)))
    plain = pipeline.render(face, look, None)
    for steps, near in ((kept, True), (plain, False)):
        gap = np.abs(chroma(steps.x_map) - chroma(face.crop))
        # what the photo's chroma is at this lightness may be outside of sRGB
        assert (np.median(gap) < 2) == near


def chroma(rgb: np.ndarray) -> np.ndarray:
    return to_lab(rgb)[..., 1:]
