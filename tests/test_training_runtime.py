"""Precision, compilation, several processes, ablations and heads, on tiny networks."""

import dataclasses
import functools
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nano
import pytest
import torch

from hasnet_models.config.load import load_preset, to_toml
from hasnet_models.errors import DeviceError, HasnetError, UsageError, WeightsError
from hasnet_models.networks.filters import box
from hasnet_models.training import checkpoint, cost, distributed, export, loop, session
from hasnet_models.training.discriminators import StyleDiscriminator
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.targets import TargetFeatures
from hasnet_models.training.training_job import TrainingJob
from hasnet_models.weights import files, load
from hasnet_models.weights.digests import sha256_of

ROOT = Path(__file__).parents[1]
STAGES = [nano.rt_stage, nano.tt_stage]


def silent(*_):
    return None


# precision and compilation


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("make", STAGES)
def test_low_precision_trains_and_resumes(make, dtype, folder, tmp_path):
    runtime = Runtime(dtype=dtype)
    stage = make(folder, runtime=runtime)
    loop.train(stage, tmp_path / "run", loop.Budget(images=12), silent)
    assert all(p.dtype == torch.float32 for p in stage.net.parameters())
    exact = make(folder)
    assert stage.step()["d"] == pytest.approx(_third_step(exact)["d"], rel=0.05)
    again = make(folder, runtime=runtime)
    loop.resume(again, tmp_path / "run", nano.CPU)
    assert again.images == 12
    if dtype == torch.float16:
        assert again.opt.scaler.get_scale() > 0
        assert again.opt.state_dict()["scaler"] == _saved(tmp_path / "run")["opt"]["scaler"]


def _third_step(stage):
    for _ in range(3):
        stage.step()
    return stage.step()


def _saved(run):
    return checkpoint.load(run, nano.CPU)[0]


def test_gradients_that_overflow_in_fp16_change_nothing(folder):
    stage = nano.rt_stage(folder, runtime=Runtime(dtype=torch.float16))
    before = [p.clone() for p in stage.opt.parameters]
    scale = stage.opt.scaler.get_scale()
    stage.opt.minimise(sum(p.sum() for p in stage.opt.parameters) * 1e38)
    assert all(torch.equal(a, b) for a, b in zip(before, stage.opt.parameters, strict=True))
    assert stage.opt.scaler.get_scale() < scale


def test_precision_is_chosen_by_the_device():
    assert Runtime.choose(nano.CPU).dtype == torch.float32
    assert Runtime.choose(torch.device("mps")).dtype == torch.float32
    assert Runtime.choose(nano.CPU, "bf16").dtype == torch.bfloat16
    with pytest.raises(UsageError, match="fp8"):
        Runtime.choose(nano.CPU, "fp8")
    with pytest.raises(UsageError, match="mps"):
        Runtime.choose(torch.device("mps"), "fp16")


def test_networks_are_not_compiled_on_a_cpu():
    assert Runtime.choose(torch.device("cuda"), "fp32", compile=True).compile
    with pytest.raises(UsageError, match="not compiled on a CPU"):
        Runtime.choose(nano.CPU, compile=True)


def test_compiled_networks_give_the_same_losses(folder, monkeypatch):
    # the graphs are captured as always, but run by torch itself: no compiler is needed
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    compiled = nano.tt_stage(folder, runtime=Runtime(compile=True))
    plain = nano.tt_stage(folder)
    assert compiled.state()["net"].keys() == plain.state()["net"].keys()
    for _ in range(2):  # with R1, and without
        found, wanted = compiled.step(), plain.step()
        assert found == pytest.approx(wanted, rel=1e-3, abs=1e-4)
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")
def test_compiled_filters_have_the_same_gradient():
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 8, 3, padding=1)

    def filtered(x):
        return box(conv(x), 2).square().mean()

    x = torch.randn(2, 3, 16, 16, requires_grad=True)
    run = Runtime(compile=True).runner(filtered)
    found, wanted = (torch.autograd.grad(f(x), x)[0] for f in (run, filtered))
    torch.testing.assert_close(found, wanted)
    torch._dynamo.reset()


def test_compiler_that_fails_is_one_sentence(monkeypatch):
    def broken(graph, inputs):
        raise RuntimeError("a\nthousand\nlines")

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=broken))
    run = Runtime(compile=True).runner(torch.nn.Linear(2, 2))
    with pytest.raises(HasnetError, match="cannot be compiled here"):
        run(torch.zeros(1, 2))
    torch._dynamo.reset()


# several processes


def test_one_process_shares_with_nobody():
    rows = torch.arange(4.0)
    assert torch.equal(distributed.share(rows), rows) and distributed.gather(rows) is rows
    assert distributed.mean({"a": torch.tensor(2.0)}) == {"a": 2.0} and distributed.mean({}) == {}
    assert not distributed.anywhere(False)


def test_several_processes_need_a_device_each(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(distributed, "resolve_device", lambda name: torch.device("mps"))
    with (
        pytest.raises(UsageError, match="cannot share the device mps"),
        distributed.processes("mps"),
    ):
        pass


@pytest.mark.parametrize("rank", [0, 1])
def test_who_waits_for_the_first_process_goes_on_when_it_fails(rank, monkeypatch):
    order = []
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(distributed, "rank", lambda: rank)
    monkeypatch.setattr(distributed.dist, "barrier", lambda: order.append("barrier"))
    with pytest.raises(UsageError), distributed.first_alone():
        order.append("work")
        raise UsageError("no faces")
    assert order == (["work", "barrier"] if rank == 0 else ["barrier", "work"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_missing_device_is_an_error_and_never_the_cpu():
    with pytest.raises(DeviceError), distributed.processes("cuda"):
        pass


TORCHRUN = ["-m", "torch.distributed.run", "--nproc_per_node", "2"]


@pytest.mark.parametrize(("stage", "by_torchrun"), [("rt", True), ("tt", True), ("tt", False)])
def test_two_processes_do_what_one_does_with_their_joint_batch(
    stage, by_torchrun, folder, tmp_path
):
    rt = nano.rt_stage(folder)
    base = export.export(rt, tmp_path)[0]
    (tmp_path / "nano.toml").write_text(to_toml(nano.preset()))
    more = ["--rt", str(base)] if stage == "tt" else []
    doubled = [*more, "--set", f"{stage}_train.batch=8"]
    one = _train(tmp_path, folder, stage, "one", *doubled)
    if by_torchrun:
        two = _train(tmp_path, folder, stage, "two", *more, launch=TORCHRUN)
    else:
        two = _train(tmp_path, folder, stage, "two", *doubled, "--processes", "2")
    assert [r["images"] for r in two] == [r["images"] for r in one] == [8, 16]
    first = [_losses(rows[0]) for rows in (one, two)]
    # judged after D's own first step, in which Adam makes whole steps of roundings
    after = [losses.pop("feature_adv", 0.0) for losses in first]
    assert first[1] == pytest.approx(first[0], abs=2e-5)
    assert after[1] == pytest.approx(after[0], abs=2e-3)
    # from the second step on Adam has turned roundings of small gradients into whole steps
    assert _losses(two[1]) == pytest.approx(_losses(one[1]), rel=2e-2, abs=2e-3)
    names = {p.name.split("-")[0] for p in (tmp_path / "two").iterdir()}
    assert {"step", "metrics.jsonl", "preview"} <= names
    assert checkpoint.load(tmp_path / "two", nano.CPU)[1]["processes"] == 2


def _train(tmp_path, folder, stage, run, *more, launch=()):
    command = [sys.executable, *launch, "-m", "hasnet_cli", "train", str(folder), "--stage", stage]
    command += ["--preset", "nano.toml", "--images", "16", "--log-every", "0", "--device", "cpu"]
    command += ["--cache", str(tmp_path / "cache"), "-o", run, "-q", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"{stage}_net.safetensors") == 1, "only the first process prints"
    lines = (tmp_path / run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def _losses(row):
    return {name: value for name, value in row.items() if name != "images_s"}


def test_checkpoint_of_two_processes_goes_on_in_one_with_the_same_joint_batch(folder, monkeypatch):
    whole = nano.rt_stage(folder, nano.preset(rt_train={"batch": 8})).configuration()
    half = nano.rt_stage(folder)
    assert loop.differences(half.configuration(), whole)
    monkeypatch.setattr(distributed, "world", lambda: 2)
    assert loop.differences(half.configuration(), whole) == []


@pytest.mark.parametrize("make", STAGES)
def test_discriminator_trains_on_after_a_step_that_failed(make, folder):
    stage = make(folder)
    with pytest.raises(RuntimeError), stage.frozen_d():
        assert not any(p.requires_grad for p in stage.d.parameters())
        raise RuntimeError("no memory")
    assert all(p.requires_grad for p in stage.d.parameters())


# ablations


def test_without_rt_net_the_source_itself_is_redrawn(folder):
    still = {"shape": False, "appearance": False}
    with_rt = nano.tt_stage(folder, nano.preset(tt=still))
    without = nano.tt_stage(folder, nano.preset(tt={**still, "use_rt": False}))
    entries = [with_rt.pool.sampler(n) for n in range(4)]
    keys = [(e.source, e.source_flip) for e in entries]
    source = without.targets.pictures(keys, 32)
    assert torch.equal(without.make_entries(entries, 32)[0], source)
    assert not torch.equal(with_rt.make_entries(entries, 32)[0], source)
    assert all(math.isfinite(v) for v in without.step().values())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"style": 0.0}, {"content"}),
        ({"content": 0.0}, {"style"}),
        ({"style": 0.0, "content": 0.0}, set()),
    ],
)
def test_ablated_contextual_losses_are_not_computed(changes, expected, folder):
    losses = nano.tt_stage(folder, nano.preset(tt_train=changes)).step()
    assert losses.keys() & {"style", "content"} == expected


def test_features_are_judged_without_contextual_losses_too(folder):
    off = {"style": 0.0, "content": 0.0}
    assert {"feature_d", "feature_adv"} <= nano.tt_stage(
        folder, nano.preset(tt_train=off)
    ).step().keys()
    off["feature_width"] = 0
    assert (
        not {"feature_d", "feature_adv"}
        & nano.tt_stage(folder, nano.preset(tt_train=off)).step().keys()
    )


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize(("pool", "widths"), [(1, [8, 8]), (2, [8, 8, 8])])
def test_con0_of_other_sizes_and_skips_train(pool, widths, skips, folder):
    tt = {"content_size": 64, "content_pool": pool, "grid": 8 // pool, "widths": widths}
    config = nano.preset(tt={**tt, "skips": skips})
    assert all(math.isfinite(v) for v in nano.tt_stage(folder, config).step().values())


# heads


@pytest.fixture
def base(folder, tmp_path):
    """A run's folder with a TT-Net, its discriminator and an RT-Net, and the job of a head."""
    run = tmp_path / "base"
    run.mkdir()
    stage = nano.tt_stage(folder)
    stage.images = 8
    stage.step()
    export.export(stage, run)
    rt = export.export(nano.rt_stage(folder), run)[0]
    return TrainingJob(
        "tt", folder, tmp_path / "head", nano.preset(), domain="red", rt=rt,
        base=run / export.TT_FILE,
    )  # fmt: skip


def train_head(job, tmp_path, images=8):
    budget = loop.Budget(images=images)
    return session.run_job(job, budget, nano.FP32, tmp_path / "cache", silent, silent)


def test_head_from_start_to_use(base, tmp_path):
    (path,), interrupted = train_head(base, tmp_path)
    assert path.name == "red-head.safetensors" and not interrupted
    plain, headed = load.load_tt(base.base), load.load_tt(base.base, path)
    assert headed.config == plain.config and headed.config.trained_size == 16
    changed = [
        name
        for name, tensor in headed.state_dict().items()
        if not torch.equal(tensor, plain.state_dict()[name])
    ]
    assert changed
    metadata = load.load_state(path)[1]
    assert metadata["domain"] == "red"
    assert metadata["base"] == sha256_of(base.base)


def test_head_trains_at_the_base_s_size_without_a_warm_up(base, tmp_path):
    warm = nano.preset(tt_train={"warmup_images": 1000})
    train_head(dataclasses.replace(base, preset=warm), tmp_path)
    rows = (base.run / loop.METRICS).read_text().splitlines()
    assert "adv" in json.loads(rows[0]) and "warm_up" not in json.loads(rows[0])
    config = checkpoint.load(base.run, nano.CPU)[1]["config"]["tt_train"]
    assert (config["domain"], config["head_size"]) == ("red", 16)


def test_small_head_holds_only_the_fine_blocks(base, tmp_path):
    small = nano.preset(tt_train={"head_from": 16})
    (path,), _ = train_head(dataclasses.replace(base, preset=small), tmp_path)
    state, _ = load.load_state(path)
    assert state and all(name.startswith("blocks.2.") for name in state)
    load.load_tt(base.base, path)


@pytest.mark.parametrize(("head_from", "works"), [(0, True), (16, False)])
def test_head_beside_another_base_of_the_same_network(head_from, works, base, tmp_path):
    preset = nano.preset(tt_train={"head_from": head_from})
    (path,), _ = train_head(dataclasses.replace(base, preset=preset), tmp_path)
    state, metadata = load.load_state(base.base)
    other = tmp_path / "other.safetensors"
    load.save_state(other, {n: t + 0.5 for n, t in state.items()}, metadata)
    if works:
        net = load.load_tt(other, path)
        assert torch.equal(net.content.weight, load.load_state(path)[0]["content.weight"])
    else:
        with pytest.raises(WeightsError, match="another TT-Net"):
            load.load_tt(other, path)


def test_run_of_one_head_is_not_resumed_as_another(base, tmp_path):
    train_head(base, tmp_path)
    with pytest.raises(UsageError, match=r"tt_train\.domain was 'red', is 'blue'"):
        train_head(dataclasses.replace(base, domain="blue"), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage": "rt"}, "domain belongs to stage=tt"),
        ({"domain": None, "preset": nano.preset(tt={"w_dim": 4})}, r"tt\.w_dim is 8, not 4"),
        ({"domain": "green"}, "no domain 'green'"),
        ({"preset": nano.preset(tt={"w_dim": 4})}, r"tt\.w_dim is 8, not 4"),
        (
            {"preset": nano.preset(tt_train={"head_from": 16, "head_size": 8})},
            "is empty when it is trained at 8",
        ),
        ({"preset": nano.preset(tt_train={"domain": "blue"})}, "asked for with domain"),
        ({"preset": nano.preset(tt={"z_dim": 512})}, r"tt\.z_dim=192"),
    ],
)
def test_nonsense_is_refused(changes, message, base, tmp_path):
    with pytest.raises(UsageError) as error:
        train_head(dataclasses.replace(base, **changes), tmp_path)
    assert re.search(message, f"{error.value} {error.value.hint}")


def test_base_that_is_named_needs_no_embedded_one(base, monkeypatch):
    def missing(name):
        raise WeightsError(f"The weight file {name} is missing.")

    monkeypatch.setattr(files, "weight_path", missing)
    assert session.base_path(base) == base.base
    assert session.preset_of(base).tt_train.domain == "red"
    with pytest.raises(WeightsError, match="tt_net"):
        session.base_path(dataclasses.replace(base, base=None))
    assert session.base_path(dataclasses.replace(base, base=None, domain=None)) is None


@pytest.mark.parametrize("stage", ["rt", "tt"])
def test_base_goes_on_from_its_weights_and_its_count(stage, base, tmp_path):
    start = base.rt if stage == "rt" else base.base
    seen = int(load.load_state(start)[1]["images"])
    warm = nano.preset(tt_train={"warmup_images": 4})
    job = dataclasses.replace(
        base, stage=stage, domain=None, rt=None if stage == "rt" else base.rt, base=start,
        preset=warm, run=tmp_path / "more",
    )  # fmt: skip
    made = session.make_stage(job, nano.FP32, tmp_path / "cache", silent)
    loaded = load.load_state(start)[0]
    assert all(torch.equal(t, loaded[n]) for n, t in made.ema.net.state_dict().items())
    assert made.images == seen
    (path, *_), _ = train_head(job, tmp_path, seen + 4)
    assert int(load.load_state(path)[1]["images"]) == seen + 4


def test_base_goes_on_under_other_keys_that_change_no_tensor(base, tmp_path):
    other = nano.preset(tt={"base": "flat", "shape": False, "displacement": 0.0})
    job = dataclasses.replace(base, domain=None, preset=other)
    session.run_job(job, loop.Budget(images=12), nano.FP32, tmp_path / "cache", silent, silent)
    found = load.load_tt(job.run / export.TT_FILE).config
    assert (found.base, found.shape, found.appearance) == ("flat", False, True)


def test_base_grows_by_a_size_with_its_discriminator(base, tmp_path):
    first = {"sizes": [8], "size_images": [], "d_widths": [4, 4], "feature_width": 0}
    small = dataclasses.replace(
        base, domain=None, base=None, run=tmp_path / "small", preset=nano.preset(tt_train=first)
    )
    path, d = train_head(small, tmp_path, 4)[0]
    job = dataclasses.replace(small, base=path, preset=nano.preset(), run=tmp_path / "large")
    stage = session.make_stage(job, nano.FP32, tmp_path / "cache", silent)
    image, domain = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 0])
    older = StyleDiscriminator((8,), (4, 4), 3)
    state = load.load_state(d)[0]
    older.load_state_dict({n.removeprefix("picture."): t for n, t in state.items()})
    torch.testing.assert_close(stage.d.picture(image, domain), older(image, domain))
    train_head(job, tmp_path, 16)


@pytest.mark.parametrize("width", [0, 8])
def test_base_s_discriminator_serves_with_other_features(width, base, tmp_path):
    other = nano.preset(tt_train={"feature_width": width})
    job = dataclasses.replace(base, domain=None, preset=other)
    stage = session.make_stage(job, nano.FP32, tmp_path / "cache", silent)
    d = load.load_state(base.base.with_name(export.D_FILE))[0]
    assert all(
        torch.equal(t, d[n]) for n, t in stage.d.state_dict().items() if n.startswith("picture.")
    )
    stage.step()


def test_discriminator_of_another_kind_beside_the_base_is_one_sentence(base, tmp_path):
    d = base.base.with_name(export.D_FILE)
    d.write_bytes(base.rt.read_bytes())
    with pytest.raises(WeightsError, match="of the discriminator do not fit"):
        session.make_stage(base, nano.FP32, tmp_path / "cache", silent)


def test_base_that_is_no_tt_net_is_refused(base, tmp_path):
    with pytest.raises(WeightsError):
        train_head(dataclasses.replace(base, base=base.rt), tmp_path)


def test_base_that_is_no_rt_net_is_refused(base, tmp_path):
    job = dataclasses.replace(base, stage="rt", domain=None, rt=None)
    with pytest.raises(WeightsError, match="weights of RT-Net are not for this version"):
        train_head(job, tmp_path)


# the best checkpoint, old checkpoints, memory


def test_best_checkpoint_is_kept_beside_the_last(folder, tmp_path, monkeypatch):
    stage = nano.rt_stage(folder)
    for score in (3.0, 1.0, 2.0, math.nan, 4.0):
        stage.step()
        monkeypatch.setattr(stage, "score", lambda score=score: score)
        loop.save(stage, tmp_path / "run", keep=2)
    kept = sorted(int(p.name[5:]) for p in (tmp_path / "run").glob("step-*"))
    assert kept == [2, 4, 5]
    assert checkpoint.best(tmp_path / "run").name == "step-00000002"


def test_score_is_finite_deterministic_and_only_of_the_last_size(folder):
    rt, tt = nano.rt_stage(folder), nano.tt_stage(folder)
    assert rt.score() == rt.score() > 0
    assert tt.score() is None
    tt.images = 8
    assert tt.score() == tt.score() > 0


def test_checkpoint_older_than_a_key_is_resumed_with_the_default(folder):
    now = nano.tt_stage(folder).configuration()
    then = {table: dict(keys) for table, keys in now.items()}
    del then["tt"]["use_rt"], then["tt_train"]["contextual_shrink"]
    assert loop.differences(now, then) == []
    now["tt"]["use_rt"] = False
    assert loop.differences(now, then) == ["tt.use_rt was True, is False"]


def test_feature_cache_stays_within_its_memory():
    def vgg(images, layers):
        return {name: images[:, :1] for name in layers}

    made = []

    def pictures(keys, size):
        made.extend(keys)
        return torch.full((1, 3, size, size), float(keys[0][0]))

    cache = TargetFeatures(vgg, pictures, 1, 1)
    keys = [(i, False) for i in range(40)]
    found = cache(keys, 128)["relu3_2"]  # 72 x 72 x 2 bytes x 2 layers: 20 kB a face
    assert found.mean((1, 2, 3)).tolist() == [float(i) for i, _ in keys]
    assert cache.used <= 2**20 and len(cache.kept) == len(keys)
    cache.limit = 10 * 72 * 72 * 4
    cache([(40, False)], 128)
    assert set(cache.kept) == {(i, False) for i in range(31, 41)}
    made.clear()
    cache([(39, False), (0, False)], 128)
    assert made == [(0, False)]


def test_contextual_loss_at_half_size(folder):
    changes = {"contextual_shrink": 2, "sizes": [16], "size_images": []}
    half = nano.tt_stage(folder, nano.preset(tt_train=changes))
    assert half.targets([(0, False)], 16)["relu3_2"].shape[-1] == 2
    assert nano.tt_stage(folder).targets([(0, False)], 16)["relu3_2"].shape[-1] == 4


# what it costs


def test_cost_counts_the_arithmetic_of_a_convolution():
    conv = torch.nn.Conv2d(3, 8, 3, padding=1, device="meta")
    image = torch.zeros(2, 3, 16, 16, device="meta")
    assert cost._count(lambda: conv(image)) == 2 * 2 * 16 * 16 * 8 * 3 * 9


def test_cost_grows_with_size_and_shrinks_with_the_pool_and_lazy_losses():
    changes = ({}, {"identity_every": 1}, {"pool": 0})
    lazy, eager, fresh = (
        cost.estimate("tt", nano.preset(tt_train=change), 12) for change in changes
    )
    assert [s.size for s in lazy.steps] == [8, 16]
    assert lazy.steps[0].flops < lazy.steps[1].flops < eager.steps[1].flops
    assert lazy.steps[1].flops < fresh.steps[1].flops
    assert lazy.steps[0].activations > 0 and lazy.memory > sum(lazy.held.values())
    assert lazy.batch == 4 and lazy.parameters["generator"] > 0


def test_cost_of_stage_one():
    found = cost.estimate("rt", load_preset("lite"), 100)
    assert found.parameters["generator"] == 2_894_574 and found.steps[0].flops > 1e9
