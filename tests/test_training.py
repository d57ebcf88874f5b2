"""Stages, loop and checkpoints on tiny networks."""

import json
import math
import shutil
import signal
import subprocess

import nano
import numpy as np
import pytest
import torch

from hasnet_models.errors import HasnetError, UsageError, WeightsError
from hasnet_models.training import checkpoint, export, loop, losses
from hasnet_models.training.discriminators import (
    FeatureDiscriminator,
    StyleDiscriminator,
    minibatch_deviation,
)
from hasnet_models.weights import load

STAGES = [nano.rt_stage, nano.tt_stage]


def run(stage, path, images):
    return loop.train(stage, path, loop.Budget(images=images), lambda line: None)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


@pytest.mark.parametrize("make", STAGES)
def test_resumed_run_equals_an_uninterrupted_one_to_the_bit(make, folder, tmp_path):
    whole = make(folder)
    run(whole, tmp_path / "whole", 24)
    half = make(folder)
    run(half, tmp_path / "half", 12)
    rest = make(folder)
    loop.resume(rest, tmp_path / "half", nano.CPU)
    run(rest, tmp_path / "half", 24)
    assert rest.images == whole.images == 24
    assert same(rest.net.state_dict(), whole.net.state_dict())
    assert same(rest.ema.net.state_dict(), whole.ema.net.state_dict())
    assert same(rest.d.state_dict(), whole.d.state_dict())


def test_resumed_run_equals_an_uninterrupted_one_beyond_the_content_s_size(
    folder, tmp_path
):
    tables = {"tt": {"widths": [8, 8, 8, 8, 8]}, "tt_train": {"sizes": [32, 64]}}
    config = nano.preset(**tables)
    for half in (4, 8, 12):
        whole, first, rest = (nano.tt_stage(folder, config) for _ in range(3))
        run(whole, tmp_path / f"whole{half}", 16)
        run(first, tmp_path / f"half{half}", half)
        loop.resume(rest, tmp_path / f"half{half}", nano.CPU)
        run(rest, tmp_path / f"half{half}", 16)
        assert rest.pool.side == 64
        assert same(rest.net.state_dict(), whole.net.state_dict())


@pytest.mark.parametrize("make", STAGES)
def test_training_lowers_the_reconstruction(make, folder):
    tables = {
        "rt": {"palette_attention": False, "zones": False},
        "tt": {"residual": False},
        "rt_train": {
            **{"adversarial": 0.0, "zone": 0.0, "lr": 4e-3},
            **{"cross_palette": 0.0, "colour_jitter": 0.0},
        },
        "tt_train": {"warmup_images": 10000, "lr": 4e-3},
    }
    stage = make(folder, nano.preset(**tables))
    name = "huber" if stage.name == "rt" else "warm_up"
    found = [stage.step()[name] for _ in range(40)]
    assert np.mean(found[-8:]) < 0.8 * np.mean(found[:8])


def test_stage_two_grows_through_its_sizes(folder):
    stage = nano.tt_stage(folder)
    sizes = []
    for _ in range(4):
        sizes.append(stage.size)
        assert all(math.isfinite(v) for v in stage.step().values())
    assert sizes == [8, 8, 16, 16]


def test_preview_is_a_picture(folder):
    for make in STAGES:
        sheet = make(folder).preview()
        assert sheet.dtype == np.uint8 and sheet.ndim == 3 and sheet.std() > 0


def test_head_training_leaves_the_other_tensors(folder):
    stage = nano.tt_stage(folder, nano.preset(tt_train={"head_from": 16}), ("red",))
    before = {n: t.clone() for n, t in stage.net.state_dict().items()}
    stage.images = 8
    stage.step()
    after = stage.net.state_dict()
    changed = {n for n in after if not torch.equal(before[n], after[n])}
    assert changed and all(n.startswith("blocks.2.") for n in changed)


def test_head_of_a_domain_that_the_base_was_not_taught(folder):
    config = nano.preset(tt={"domains": ["photo", "red"]})
    stage = nano.tt_stage(folder, config, ("blue",))
    assert all(math.isfinite(v) for v in stage.step().values())


def test_exported_base_and_head_give_back_the_network(folder, tmp_path):
    stage = nano.tt_stage(folder)
    base, _ = export.export(stage, tmp_path)
    stage.step()
    stage.config = nano.preset(tt_train={"head_from": 16}).tt_train
    (head,) = export.export(stage, tmp_path, "red")
    net = load.load_tt(base, head)
    ema = stage.ema.net.state_dict()
    for name, tensor in net.state_dict().items():
        if name.startswith("blocks.2."):
            torch.testing.assert_close(tensor, ema[name].half().float())
    assert net.config.trained_size == 8
    assert json.loads(load.load_state(base)[1]["data"]) == {"blue": 4, "photo": 4, "red": 4}


def test_head_of_another_network_is_refused(folder, tmp_path):
    base, _ = export.export(nano.tt_stage(folder), tmp_path)
    other = nano.tt_stage(folder, nano.preset(tt={"w_dim": 4}))
    (head,) = export.export(other, tmp_path, "red")
    with pytest.raises(WeightsError, match="another TT-Net"):
        load.load_tt(base, head)


def test_exported_rt_net_gives_the_same_pictures(folder, tmp_path):
    stage = nano.rt_stage(folder)
    stage.step()
    net = load.load_rt(export.export(stage, tmp_path)[0])
    gray, palette = torch.rand(1, 1, 32, 32), torch.rand(1, 20, 3)
    torch.testing.assert_close(net(gray, palette), stage.ema.net(gray, palette), atol=0.02, rtol=0)


def test_resume_with_another_configuration_names_the_difference(folder, tmp_path):
    run(nano.rt_stage(folder), tmp_path / "run", 4)
    other = nano.rt_stage(folder, nano.preset(rt_train={"lr": 0.5}))
    with pytest.raises(UsageError, match=r"rt_train\.lr was .* is 0\.5"):
        loop.resume(other, tmp_path / "run", nano.CPU)


def test_resume_of_another_stage_is_refused(folder, tmp_path):
    run(nano.rt_stage(folder), tmp_path / "run", 4)
    with pytest.raises(UsageError, match="stage rt, not tt"):
        loop.resume(nano.tt_stage(folder), tmp_path / "run", nano.CPU)


def test_loss_that_is_not_a_number_stops_and_keeps_the_checkpoint(folder, tmp_path):
    stage = nano.rt_stage(folder)
    run(stage, tmp_path / "run", 4)
    with torch.no_grad():
        stage.net.stem.weight.fill_(math.nan)
    with pytest.raises(HasnetError, match="huber"):
        run(stage, tmp_path / "run", 8)
    again = nano.rt_stage(folder)
    loop.resume(again, tmp_path / "run", nano.CPU)
    assert again.images == 4


def test_interrupt_finishes_the_step_and_saves(folder, tmp_path):
    stage = nano.rt_stage(folder)
    step = stage.step

    def interrupted():
        signal.raise_signal(signal.SIGINT)
        return step()

    stage.step = interrupted
    assert run(stage, tmp_path / "run", 400)
    assert checkpoint.load(tmp_path / "run", nano.CPU)[1]["images"] == 4
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_metrics_hold_losses_and_speed(folder, tmp_path):
    run(nano.tt_stage(folder), tmp_path / "run", 8)
    first = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[0])
    assert {"images", "images_s", "d", "adv", "rec", "style", "content", "id"} <= first.keys()


def test_discriminator_grows_without_a_jump():
    torch.manual_seed(0)
    d = StyleDiscriminator((8, 16), (4, 6, 8), 2)
    small = torch.rand(4, 3, 8, 8)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    domain = torch.tensor([0, 1, 0, 1])
    torch.testing.assert_close(d(small, domain), d(large, domain))


def test_feature_discriminator_judges_patterns_not_strength():
    torch.manual_seed(0)
    d = FeatureDiscriminator(8, 3, (4, 6)).eval()
    features = [torch.rand(2, 4, 8, 8) + 0.1, torch.rand(2, 6, 4, 4) + 0.1]
    domain = torch.tensor([0, 2])
    found = d(features, domain)
    assert found.shape == (2, 2, 4, 4)
    torch.testing.assert_close(d([7 * f for f in features], domain), found, atol=1e-3, rtol=1e-2)
    assert not torch.allclose(d(features, torch.tensor([1, 2]))[0], found[0])
    torch.testing.assert_close(d(features, torch.tensor([1, 2]))[1], found[1])


def test_feature_discriminator_learns_to_tell_two_patterns_apart():
    torch.manual_seed(0)
    d = FeatureDiscriminator(8, 1, (4, 6))
    optimiser = torch.optim.Adam(d.parameters(), 1e-2)
    domain = torch.zeros(8, dtype=torch.long)
    for _ in range(60):
        real = [torch.rand(8, 4, 8, 8), torch.rand(8, 6, 4, 4)]
        fake = [torch.rand(8, 4, 8, 8).square(), torch.rand(8, 6, 4, 4).square()]
        loss = losses.hinge_d(d(real, domain), d(fake, domain))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 1.5  # it begins at 2


def test_minibatch_deviation_sees_a_collapsed_batch():
    one = torch.randn(1, 3, 4, 4)
    assert minibatch_deviation(one.repeat(8, 1, 1, 1)).max() < 1e-3
    assert minibatch_deviation(torch.randn(8, 3, 4, 4)).min() > 0.1


@pytest.mark.parametrize(("place", "own"), [("", True), ("venv/lib/site-packages", False)])
def test_the_commit_is_of_hasnets_own_tree_only(tmp_path, place, own):
    def git(*words):
        command = ["git", "-c", "user.name=n", "-c", "user.email=e", *words]
        return subprocess.check_output(command, cwd=tmp_path, text=True).strip()

    if not shutil.which("git"):
        pytest.skip("no git")
    package = tmp_path / place / "hasnet_models"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "all")
    assert export.commit(package) == (git("rev-parse", "HEAD") if own else "")


def test_there_is_no_commit_without_a_tree_or_without_git(tmp_path, monkeypatch):
    assert export.commit(tmp_path / "hasnet_models") == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert export.commit() == ""
