"""Time a training step of stage II and say where it goes, on noise instead of faces.

    python tools/bench_training.py --sizes 64 128 256 --threads 2 --seconds 20

Each line of the first table is one part of a step, in milliseconds an image; a loss counts with its
way back to X_TT, the generator's own backward pass is in the rest. The second table switches one
speed feature off (or a trial on) at a time, against the preset as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

from hasnet_models.config.checks import contradictions
from hasnet_models.config.frozen import EMBEDDING_SIZE
from hasnet_models.config.load import load_preset
from hasnet_models.config.schema import Preset
from hasnet_models.data.faces import FaceSet
from hasnet_models.data.index import FaceRecord
from hasnet_models.data.parts import packed
from hasnet_models.device import resolve_device
from hasnet_models.face.mesh import POINTS
from hasnet_models.palette import COLOURS
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.training import losses
from hasnet_models.training.cost import blank_vectors, topology_at
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.tt_stage import TTStage

FACES_A_DOMAIN = 8
SWITCHES = {
    "entry pool off": {"pool": 0},
    "feature cache off": {"feature_cache_mb": 0},
    "contextual loss every step": {"contextual_every": 1},
    "identity loss every step": {"identity_every": 1},
    "R1 every step": {"r1_every": 1},
    "feature discriminator off": {"feature_width": 0},
    "tone loss and relit faces off": {"tone": 0.0, "relight": 0.0},
    "two entries made anew a step": {"pool_renew": 2},
    "trial: contextual loss at half size": {"contextual_shrink": 2},
    "trial: D of three quarters of the widths": {"d_widths": (8, 12, 24, 48, 96, 120)},
}


def noise_faces(domains: tuple[str, ...], side: int) -> FaceSet:
    """Faces that cost what real ones cost."""
    rng = np.random.default_rng(0)
    names = [(d, i) for d in domains for i in range(FACES_A_DOMAIN)]
    records = [FaceRecord(d, f"{d}/{i}.png", f"person{i}") for d, i in names]
    images = rng.integers(0, 256, (len(records), side, side, 3), dtype=np.uint8)
    palettes = rng.integers(0, 256, (len(records), COLOURS, 3), dtype=np.uint8)
    z_ids = rng.normal(size=(len(records), EMBEDDING_SIZE)).astype(np.float32)
    z_ids /= np.linalg.norm(z_ids, axis=1, keepdims=True)
    points = mean_face() + rng.normal(0, 0.005, (len(records), POINTS, 3))
    vectors = {
        **blank_vectors(len(records)),
        **{"palettes": palettes, "z_ids": z_ids},
        "meshes": np.stack([packed(face, 1.0) for face in points]),
    }
    return FaceSet(records, images, vectors)


def make_stage(preset: Preset, size: int, runtime: Runtime) -> TTStage:
    """Stage II as it is when it has grown to ``size``."""
    side = max(preset.tt.content_size, *preset.tt_train.sizes)
    return topology_at(size, preset, noise_faces(preset.tt.domains, side), runtime)


def variant(preset: Preset, **changes: object) -> Preset:
    """The preset with keys of its training table replaced."""
    return dataclasses.replace(preset, tt_train=dataclasses.replace(preset.tt_train, **changes))


def seconds_a_step(stage: TTStage, seconds: float) -> float:
    """Mean time of a step over whole periods of the lazy losses, after one step to warm up."""
    c = stage.config
    period = math.lcm(c.r1_every, c.contextual_every, c.identity_every)
    stage.step()
    steps, start = 0, time.perf_counter()
    while steps == 0 or time.perf_counter() - start < seconds:
        for _ in range(period):
            stage.step()
        steps += period
    return (time.perf_counter() - start) / steps


def clock(run: Callable[[], object], times: int = 4) -> float:
    """Mean seconds of a call, after one to warm up."""
    run()
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times


def parts(preset: Preset, size: int, runtime: Runtime, seconds: float) -> dict[str, float]:
    """Seconds a step by part; a lazy part counts for the share of the steps that it is taken in."""
    stage = make_stage(preset, size, runtime)
    whole, c, rng = seconds_a_step(stage, seconds), stage.config, np.random.default_rng(0)
    batch = stage.draw(rng)
    z, _ = stage.style_of(batch.entries, rng)
    real = stage.references(batch.entries, size)
    x_tt = real.clone().requires_grad_()
    domain = stage.domain_numbers(batch.entries)

    def step_d(number: int) -> None:
        stage.step_number = number
        stage._step_d(batch, real, real, None, rng)

    def features() -> None:
        stage.step_number = 0
        found_features = stage._features(batch.entries, x_tt)
        stage._step_d(batch, real, real, found_features, rng)
        backward(losses.total(stage._feature_terms(found_features)), x_tt)

    def adversarial() -> None:
        backward(losses.logistic_g(stage.run_d(stage._shown(x_tt, rng), domain)), x_tt)

    pictures = clock(lambda: step_d(1))
    lazy = clock(lambda: step_d(0))
    found = {
        "entries (pool)": clock(lambda: stage.draw(rng), 16),
        "discriminator of pictures": pictures,
        "R1": (lazy - pictures) / c.r1_every,
        "adversarial loss": clock(adversarial),
        "contextual losses, feature discriminator": (clock(features) - lazy) / c.contextual_every,
        "identity loss": clock(lambda: backward(losses.identity(stage.embed(x_tt), z), x_tt))
        / c.identity_every,
    }
    found["generator and the rest"] = whole - sum(found.values())
    return {**found, "whole step": whole}


def backward(loss: torch.Tensor, x_tt: torch.Tensor) -> None:
    """The gradient that a loss sends into X_TT."""
    torch.autograd.grad(loss, x_tt)


def tables(
    preset: Preset,
    size: int,
    runtime: Runtime,
    switches: Mapping[str, dict[str, object]],
    seconds: float,
) -> None:
    """Print the parts of a step, and what each switch changes."""
    batch = preset.tt_train.batch
    print(f"\n{size} px, batch {batch}: ms an image")
    found = parts(preset, size, runtime, seconds)
    for name, value in found.items():
        print(f"  {name:42s} {value / batch * 1000:8.2f}  {value / found['whole step']:6.1%}")
    also = "; changed alone:" if switches else ""
    print(f"  {batch / found['whole step']:.2f} images/s{also}", flush=True)
    for name, changes in switches.items():
        changed = variant(preset, **changes)
        if contradictions(changed):
            continue
        took = seconds_a_step(make_stage(changed, size, runtime), seconds)
        ratio = found["whole step"] / took
        print(f"  {name:42s} {batch / took:8.2f} images/s  x {ratio:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="lite")
    parser.add_argument("--set", nargs="*", default=[], help="as of hasnet train")
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 128, 256])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--no-switches", action="store_true", help="only the first table")
    parser.add_argument("--pool", type=int, default=64, help="a small pool is full after a step")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    runtime = Runtime.choose(resolve_device(options.device), options.precision)
    preset = variant(load_preset(options.preset, options.set), pool=options.pool)
    switches = {} if options.no_switches else SWITCHES
    with runtime.arithmetic():
        for size in options.sizes:
            tables(preset, size, runtime, switches, options.seconds)


if __name__ == "__main__":
    main()
