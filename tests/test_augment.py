"""Small affine maps, seeded by image."""

import nano
import numpy as np
import pytest
import torch

from hasnet_models.training.augment import affine, affine_map, relight
from hasnet_models.training.entries import MIXED, PAIRED, SAME, Entry


def images(count=3, side=32):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_strength_nought_gives_the_images_themselves():
    x = images()
    assert affine(x, 0.0, [(0, 0)] * 3) is x


def test_map_is_a_function_of_its_numbers_not_of_the_batch():
    x = images()
    together = affine(x, 0.05, [(0, 1), (0, 2), (1, 1)])
    for i, seed in enumerate([(0, 1), (0, 2), (1, 1)]):
        torch.testing.assert_close(affine(x[[i]], 0.05, [seed])[0], together[i])
    assert not torch.equal(affine_rows(0, 1), affine_rows(0, 2))
    assert not torch.equal(affine_rows(0, 1), affine_rows(1, 1))


def affine_rows(*seed):
    return torch.from_numpy(affine_map(0.05, seed))


def test_maps_stay_within_the_strength_and_use_all_of_it():
    maps = np.stack([affine_map(0.05, (0, n)) for n in range(500)])
    angle = np.arctan2(maps[:, 1, 0], maps[:, 0, 0])
    scale = np.hypot(maps[:, 0, 0], maps[:, 1, 0])
    for values in (angle, np.log(scale), maps[:, 0, 2] / 2, maps[:, 1, 2] / 2):
        assert np.abs(values).max() <= 0.0501 and values.min() < -0.045 and values.max() > 0.045


def test_a_shift_moves_by_its_share_of_the_side(monkeypatch):
    x = torch.zeros(1, 1, 40, 40)
    x[..., 20, 20] = 1
    monkeypatch.setattr(
        "hasnet_models.training.augment.affine_map",
        lambda strength, seed: np.array([[1, 0, 0.1], [0, 1, 0]], np.float32),
    )
    assert affine(x, 0.05, [(0, 0)])[0, 0, 20].argmax() == 18


def test_edges_are_mirrored():
    assert affine(torch.ones(4, 3, 16, 16), 0.2, [(0, n) for n in range(4)]).min() > 0.999


def test_relit_faces_are_darker_and_the_rest_stays():
    x = torch.zeros(64, 3, 32, 32)
    lit = relight(x, 1.0, np.random.default_rng(0))
    middle, corner = lit[:, 0, 18, 16], lit[:, 0, 1, 1]
    assert middle.max() <= 0 and middle.min() > np.exp(-1) - 1.01
    assert middle.std() > 0.1 and corner.abs().max() < 0.02
    black = relight(-torch.ones(4, 3, 32, 32), 1.0, np.random.default_rng(0))
    torch.testing.assert_close(black, -torch.ones_like(black))
    assert relight(x, 0.0, np.random.default_rng(0)) is x


def test_stage_one_moves_pictures_and_repeats_itself(tmp_path):
    folder = nano.make_folder(tmp_path / "faces")
    still = {"colour_jitter": 0.0}
    moved, again, plain = (
        nano.rt_stage(folder, nano.preset(rt_train={**still, "affine": a})) for a in (0.1, 0.1, 0.0)
    )
    batches = [s.draw(np.random.default_rng(3)) for s in (moved, again, plain)]
    assert torch.equal(batches[0].x_s, batches[1].x_s)
    assert not torch.equal(batches[0].x_s, batches[2].x_s)
    assert torch.equal(batches[0].palette, batches[2].palette)
    moved.images += 4
    assert not torch.equal(moved.draw(np.random.default_rng(3)).x_s, batches[0].x_s)


@pytest.mark.parametrize(("kind", "moves"), [(MIXED, True), (SAME, False), (PAIRED, False)])
def test_stage_two_moves_only_sources_without_a_target_pixel_by_pixel(tmp_path, kind, moves):
    folder = nano.make_folder(tmp_path / "faces")
    entries = [Entry(0, 5, kind, False, True)]
    plain = nano.tt_stage(folder).make_entries(entries, 32)[0]
    stage = nano.tt_stage(folder, nano.preset(tt_train={"affine": 0.1}))
    found = stage.make_entries(entries, 32)[0]
    assert torch.equal(found, plain) != moves
    assert torch.equal(stage.make_entries(entries, 32)[0], found)
