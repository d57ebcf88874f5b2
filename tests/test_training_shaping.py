"""Stage II with a shape and an appearance map; zones in both stages."""

import itertools
from dataclasses import replace

import nano
import numpy as np
import pytest
import torch

from hasnet_models.networks import colour
from hasnet_models.networks.tensors import to_signed
from hasnet_models.networks.tt_net import content_features
from hasnet_models.networks.warp import warp
from hasnet_models.topology import appearance, shape
from hasnet_models.topology.flow import flow
from hasnet_models.topology.mean_face import mirrored
from hasnet_models.training import losses
from hasnet_models.training.augment import affine, affine_map, affine_points
from hasnet_models.training.entries import MIXED, PAIRED, SAME, Entry
from hasnet_models.training.shaping import domain_maps, domain_shapes, points_of
from hasnet_models.training.targets import fractions, pictures

OFF = {"shape": False, "appearance": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return nano.make_folder(tmp_path_factory.mktemp("shaping") / "faces")


def stage(folder, **tables):
    return nano.tt_stage(folder, nano.preset(**tables))


def made(folder, entry, **tt):
    """X_RT and content of one entry."""
    x, content = stage(folder, tt=tt).make_entries([entry], 32)
    return x, content


def mixed(folder, source="photo/0.png", reference="red/1.png"):
    files = [r.file for r in nano.faces(folder).records]
    return Entry(files.index(source), files.index(reference), MIXED, False, False)


def test_a_source_is_warped_before_its_features_are_taken(folder):
    entry = mixed(folder)
    plain, _ = made(folder, entry, **OFF)
    found, content = made(folder, entry, appearance=False)
    made_by = stage(folder, tt={"appearance": False})
    faces = made_by.faces
    points = points_of(faces, entry.source, flip=False)
    shapes = domain_shapes(faces)
    goal = shape.target(points, shapes["red"], shapes["photo"], shape.STRENGTH)
    expected = warp(plain, torch.from_numpy(flow(points, goal, 32))[None])
    torch.testing.assert_close(found, expected)
    assert (found - plain).abs().max() > 0.01
    again = content_features(made_by.run_vgg, found, made_by.preset.tt)
    for name, features in again.items():
        assert torch.equal(content[name], features)


def test_one_that_is_its_own_reference_stays_to_the_bit(folder):
    entry = replace(mixed(folder, reference="photo/0.png"), kind=SAME)
    assert torch.equal(made(folder, entry)[0], made(folder, entry, **OFF)[0])


@pytest.mark.parametrize("flip", [False, True])
def test_a_pair_goes_to_its_target_s_own_points_and_keeps_its_colours(folder, flip):
    entry = replace(mixed(folder), kind=PAIRED, source_flip=flip, reference_flip=flip)
    faces = nano.faces(folder)
    ends = [faces.mesh(i)[0] for i in (entry.source, entry.reference)]
    start, goal = map(mirrored, ends) if flip else ends
    expected = warp(made(folder, entry, **OFF)[0], torch.from_numpy(flow(start, goal, 32))[None])
    torch.testing.assert_close(made(folder, entry)[0], expected)
    assert torch.equal(made(folder, entry)[0], made(folder, entry, appearance=False)[0])


def test_a_face_without_a_mesh_is_a_source_as_it_is_and_a_reference_by_its_domain(folder):
    without = mixed(folder, source="photo/3.png")
    assert torch.equal(made(folder, without)[0], made(folder, without, **OFF)[0])
    pair = replace(without, kind=PAIRED)
    assert torch.equal(made(folder, pair)[0], made(folder, pair, **OFF)[0])
    found = stage(folder)
    guide = found.shaping.guide(found.faces, mixed(folder, reference="red/3.png"), (0,), 0.0)
    same_domain = found.shaping.guide(found.faces, mixed(folder), (0,), 0.0)
    np.testing.assert_array_equal(guide.flow, same_domain.flow)
    assert guide.face is not None and not np.array_equal(guide.face, same_domain.face)


def test_only_such_faces_train_too(tmp_path):
    folder = nano.make_folder(tmp_path / "faces")
    (folder / "parts.json").write_text("{}")
    found = nano.tt_stage(folder)
    assert not found.shaping.shapes and not found.shaping.maps
    for s in (found, nano.rt_stage(folder)):
        assert all(np.isfinite(v) for v in s.step().values())


def test_a_mirrored_entry_is_the_mirrored_entry(folder):
    entry = mixed(folder)
    turned = replace(entry, source_flip=True, reference_flip=True)
    found = stage(folder).shaping
    faces = nano.faces(folder)
    one, other = (found.guide(faces, e, (0,), 0.0) for e in (entry, turned))
    mirror = other.flow[:, :, ::-1] * np.array([-1, 1])[:, None, None]
    np.testing.assert_allclose(one.flow, mirror, atol=2e-3)
    np.testing.assert_allclose(one.mask, other.mask[:, ::-1], atol=0.05)


def test_the_reference_s_own_shape_counts_where_its_mesh_is_sure(folder):
    found = stage(folder)
    faces, entry = found.faces, mixed(folder)
    meshes = np.array(faces.vectors["meshes"])
    faces.vectors = {**faces.vectors, "meshes": meshes}
    unsure = found.shaping.guide(faces, entry, (0,), 0.0).flow
    meshes[entry.reference, -1, 0] = 0.99
    own = found.shaping.guide(faces, entry, (0,), 0.0).flow
    none = found.shaping.guide(faces, replace(entry, own_shape=False), (0,), 0.0).flow
    np.testing.assert_array_equal(unsure, none)
    assert np.abs(own - none).max() > 1e-3


def test_the_strength_scales_the_shape(folder):
    found, entry = stage(folder), mixed(folder)
    sizes = [
        np.abs(found.shaping.guide(found.faces, replace(entry, strength=s), (0,), 0.0).flow).max()
        for s in (0.0, 0.5, 1.0)
    ]
    assert sizes[0] < 1e-6 and sizes[0] < sizes[1] < sizes[2]


def test_the_appearance_moves_the_face_s_chroma_and_nothing_else(folder):
    entry = replace(mixed(folder), chroma=0.9, pattern=0.0)
    plain, found = (made(folder, entry, appearance=on)[0] for on in (False, True))
    labs = [colour.to_lab(x) for x in (plain, found)]
    assert (labs[0] - labs[1])[:, 1:, 16:22, 12:20].abs().mean() > 3
    assert torch.equal(plain[..., :4, :], found[..., :4, :]), "above the brows"
    none = replace(entry, chroma=0.0)
    torch.testing.assert_close(made(folder, none)[0], plain, atol=2e-2, rtol=0)


@pytest.mark.parametrize("flip", [False, True])
def test_the_map_is_evenly_lit_and_without_what_is_foreign(folder, flip):
    found = stage(folder)
    faces, entry = found.faces, replace(mixed(folder), reference_flip=flip)
    guide = found.shaping.guide(faces, entry, (0,), 0.0)
    whole = domain_maps(faces)["red"]
    own = faces.vectors["maps"][entry.reference]
    colours = appearance.evenly_lit(appearance.believed(own, whole.mean, whole.spread))
    colours = colours[:, ::-1] if flip else colours
    points = faces.mesh(entry.source)[0]
    shapes = domain_shapes(faces)
    goal = shape.target(points, shapes["red"], shapes["photo"])
    np.testing.assert_array_equal(guide.face, appearance.placed(colours, goal, 64))


def test_entries_draw_their_looks_by_number_within_the_ranges(folder):
    sampler = stage(folder).pool.sampler
    entries = [sampler(n) for n in range(200)]
    assert entries == [sampler(n) for n in range(200)]
    c = sampler.config
    found = [e for e in entries if e.kind == MIXED]
    for name, ends in (
        ("strength", c.shape_strength),
        ("chroma", c.appearance_chroma),
        ("pattern", c.appearance_pattern),
    ):
        values = [getattr(e, name) for e in found]
        assert ends[0] <= min(values) < max(values) <= ends[1]
    assert 0.3 < np.mean([e.own_shape for e in found]) < 0.7


def test_zones_and_shares_reach_rt_net(folder):
    found, entry = stage(folder, tt=OFF), replace(mixed(folder), source_flip=True)
    faces = found.faces
    x = pictures(faces, [(entry.source, True)], 32, nano.CPU)
    zones = torch.from_numpy(faces.vectors["zones"][[entry.source]].copy()).float() / 255
    shares = torch.from_numpy(faces.vectors["shares"][[entry.reference]])
    palette = to_signed(faces.palettes[[entry.reference]])
    rt = nano.frozen(found.preset.rt)[0]
    with torch.no_grad():
        expected = rt(colour.lightness(x), palette, zones.flip(-1), shares)
        blind = rt(colour.lightness(x), palette)
    assert torch.equal(found.make_entries([entry], 32)[0], expected)
    assert not torch.equal(blind, expected)


def test_the_person_mask_goes_with_the_picture_and_calms_the_ground(folder):
    found, entry = stage(folder, tt_train={"person": True}), mixed(folder)
    person = found.make_entries([entry], 32)[1]["person"]
    assert person.shape == (1, 1, 64, 64) and person[..., :8].max() == 0
    assert person[..., 28:36].min() > 0.9
    assert all(np.isfinite(v) for v in found.step().values())
    assert "person" in found.pool.draw(np.random.default_rng(0), 4, 32).content


def test_points_follow_the_affine_map_of_their_picture():
    side, seed = 64, (1, 2, 3)
    x = torch.zeros(1, 1, side, side)
    x[..., 20:23, 40:43] = 1
    moved = affine(x, 0.1, [seed])
    rows, columns = np.nonzero(moved[0, 0].numpy() > 0.5)
    centre = (np.array([columns.mean(), rows.mean()]) + 0.5) / side
    start = np.array([[41.5 / side, 21.5 / side, 0.1]], np.float32)
    found = affine_points(start, 0.1, seed)[0]
    np.testing.assert_allclose(found[:2], centre, atol=0.5 / side)
    scale = np.linalg.det(affine_map(0.1, seed)[:, :2]) ** -0.5
    assert found[2] == pytest.approx(0.1 * scale)


def test_domains_have_shapes_and_maps_of_their_own(folder):
    faces = nano.faces(folder)
    shapes, maps = domain_shapes(faces), domain_maps(faces)
    assert set(shapes) == set(maps) == {"photo", "red", "blue"}
    assert maps["red"].mean[..., 0].mean() > 1.5 * maps["red"].mean[..., 2].mean()
    assert maps["red"].spread.shape == (48, 48)
    members = [i for i in faces.by_domain["red"] if faces.mesh(i)[1] > 0.8]
    expected = shape.domain_shape([shape.face_shape(faces.mesh(i)[0]) for i in members])
    np.testing.assert_array_equal(shapes["red"], expected)


@pytest.mark.parametrize("off", [("shape",), ("appearance",), ("shape", "appearance")])
def test_ablations_take_a_step_and_differ(folder, off):
    whole, part = stage(folder), stage(folder, tt=dict.fromkeys(off, False))
    entries = [whole.pool.sampler(n) for n in range(6)]
    assert not torch.equal(*(s.make_entries(entries, 32)[0] for s in (whole, part)))
    assert all(np.isfinite(v) for v in part.step().values())


def test_without_zones_no_stage_needs_their_vectors(folder):
    tables = {"rt": {"zones": False}, "rt_train": {"zone": 0.0}, "tt": OFF}
    faces = nano.faces(folder)
    faces.vectors = {n: faces.vectors[n] for n in ("palettes", "z_ids")}
    for make in (nano.rt_stage, nano.tt_stage):
        found = make(folder, nano.preset(**tables))
        found.faces = found.val = faces
        assert all(np.isfinite(v) for v in found.step().values())
        assert found.preview().ndim == 3


# the zone loss


def zone_sample(rng, batch=3, side=8):
    x, y = (torch.rand(batch, 3, side, side) * 2 - 1 for _ in range(2))
    zones = rng.random((2, batch, 6, 4, 4)).astype(np.float32)
    zones[0, :, 1] = 1e-4  # the lips are in no source
    zones /= zones.sum(2, keepdims=True)
    return x, torch.from_numpy(zones[0]), y, torch.from_numpy(zones[1])


def literal_zone_loss(x, zones, y, reference_zones, counted):
    """As defined, pixel by pixel."""
    total = []
    for b in range(len(x)):
        cost = weight = 0.0
        for z, w in enumerate((1.0, 0.7, 0.3, 0.6, 0.3, 0.3)):
            stats = []
            for picture, maps in ((x, zones), (y, reference_zones)):
                m = torch.nn.functional.interpolate(
                    maps, size=picture.shape[-2:], mode="bilinear", align_corners=False
                )[b, z].numpy()
                rgb = picture[b].numpy()
                grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
                pixels = list(itertools.product(*map(range, m.shape)))
                mass = sum(m[p] for p in pixels)
                chroma = {p: rgb[(slice(None), *p)] - grey[p] for p in pixels}
                mean = sum(m[p] * chroma[p] for p in pixels) / mass
                variance = sum(m[p] * ((chroma[p] - mean) ** 2).mean() for p in pixels) / mass
                stats.append((mean, variance**0.5, mass / len(pixels)))
            if min(stats[0][2], stats[1][2]) < 0.004:
                continue
            excess = max(0.0, stats[0][1] - 0.8 * stats[1][1])
            cost += w * (np.abs(stats[0][0] - stats[1][0]).mean() + 1.5 * excess)
            weight += w
        total.append(cost / weight)
    return sum(t for t, c in zip(total, counted, strict=True) if c) / sum(counted)


def test_the_zone_loss_is_what_it_says():
    torch.manual_seed(0)
    sample = zone_sample(np.random.default_rng(0))
    counted = [True, False, True]
    found = losses.zone_colours(*sample, torch.tensor(counted)).item()
    assert found == pytest.approx(literal_zone_loss(*sample, counted), rel=1e-4)
    assert losses.zone_colours(*sample, torch.zeros(3)).item() == 0


def test_the_zone_loss_is_nothing_for_the_reference_s_own_calm_colours():
    _, zones, y, _ = zone_sample(np.random.default_rng(1))
    flat = y.mean((2, 3), keepdim=True).expand_as(y)
    counted = torch.ones(3)
    assert losses.zone_colours(flat, zones, flat, zones, counted).item() < 2e-3
    assert losses.zone_colours(y, zones, flat, zones, counted).item() > 0.1, "patches"


def test_the_zone_loss_looks_at_the_picture_that_the_palette_is_of(folder):
    found = nano.rt_stage(folder)
    batch = found.draw(np.random.default_rng(5))
    place, own = batch.place, batch.own
    assert own.any() and not own.all()
    expected = torch.where(own[:, None, None, None], batch.x_s, batch.x_s.roll(1, 0))
    torch.testing.assert_close(place.reference, expected)
    torch.testing.assert_close(
        place.reference_zones,
        torch.where(own[:, None, None, None], place.zones, place.zones.roll(1, 0)),
    )
    assert batch.own_count + batch.cross_count == 4
    assert set(found.step()) == {"huber", "adv", "zone", "d"}


def test_maps_are_mirrored_with_their_picture(folder):
    faces = nano.faces(folder)
    rows = faces.vectors["zones"]
    plain, turned = (fractions(rows, [(0, flip)], nano.CPU) for flip in (False, True))
    assert torch.equal(plain.flip(-1), turned) and plain.max() <= 1
