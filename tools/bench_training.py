"""Time a training step of stage II and say where it goes, on noise instead of faces.

    python tools/bench_training.py --sizes 64 128 256 --threads 2 --seconds 20

Each line of the first table is one part of a step, in milliseconds an image; G's losses share one
backward pass, so a loss costs what the step takes less without it. The second table switches one
speed feature off (or a trial on) at a time, against the preset as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np
import torch

from hasnet_models.config import Preset, load_preset
from hasnet_models.config_checks import contradictions
from hasnet_models.device import resolve_device
from hasnet_models.training.cost import topology_at
from hasnet_models.training.face_index import FaceRecord
from hasnet_models.training.faces import FaceSet
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.tt_stage import TTStage

FACES_A_DOMAIN = 8
WITHOUT = {
    "R1": {"r1": 0.0},
    "identity loss": {"identity": 0.0},
    "contextual losses": {"style": 0.0, "content": 0.0},
}
SWITCHES = {
    "entry pool off": {"pool": 0},
    "feature cache off": {"feature_cache_mb": 0},
    "contextual loss every step": {"contextual_every": 1},
    "identity loss every step": {"identity_every": 1},
    "R1 every step": {"r1_every": 1},
    "trial: contextual loss at half size": {"contextual_shrink": 2},
    "trial: D of widths 16 24 32 64 128 160": {"d_widths": (16, 24, 32, 64, 128, 160)},
}


def noise_faces(domains: tuple[str, ...], side: int) -> FaceSet:
    """Faces that cost what real ones cost."""
    rng = np.random.default_rng(0)
    names = [(d, i) for d in domains for i in range(FACES_A_DOMAIN)]
    records = [FaceRecord(d, f"{d}/{i}.png", f"person{i}") for d, i in names]
    images = rng.integers(0, 256, (len(records), side, side, 3), dtype=np.uint8)
    palettes = rng.integers(0, 256, (len(records), 20, 3), dtype=np.uint8)
    z_ids = rng.normal(size=(len(records), 192)).astype(np.float32)
    return FaceSet(records, images, palettes, z_ids / np.linalg.norm(z_ids, axis=1, keepdims=True))


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


def timed(owner: object, name: str, sums: dict[str, float]) -> None:
    """Add the time spent in a method to ``sums``."""
    inner: Callable = getattr(owner, name)

    def call(*args: object) -> object:
        start = time.perf_counter()
        found = inner(*args)
        sums[name] = sums.get(name, 0.0) + time.perf_counter() - start
        return found

    setattr(owner, name, call)


def parts(preset: Preset, size: int, runtime: Runtime, seconds: float) -> dict[str, float]:
    """Seconds a step by part."""
    stage, sums = make_stage(preset, size, runtime), {}
    timed(stage.pool, "draw", sums)
    timed(stage, "_step_d", sums)
    whole = seconds_a_step(stage, seconds)
    steps = stage.step_number
    found = {"entries (pool)": sums["draw"] / steps, "discriminator": sums["_step_d"] / steps}
    for name, changes in WITHOUT.items():
        less = seconds_a_step(make_stage(variant(preset, **changes), size, runtime), seconds)
        found[name] = max(whole - less, 0.0)
    found["discriminator"] -= found["R1"]
    found["generator and the rest"] = whole - sum(found.values())
    return {**found, "whole step": whole}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="lite")
    parser.add_argument("--set", nargs="*", default=[], help="as of hasnet train")
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 128, 256])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--pool", type=int, default=96, help="a small pool fills sooner")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    runtime = Runtime.choose(resolve_device(options.device), options.precision)
    preset = variant(load_preset(options.preset, options.set), pool=options.pool)
    batch = preset.tt_train.batch
    for size in options.sizes:
        print(f"\n{size} px, batch {batch}: ms an image")
        found = parts(preset, size, runtime, options.seconds)
        for name, value in found.items():
            print(f"  {name:42s} {value / batch * 1000:8.2f}  {value / found['whole step']:6.1%}")
        print(f"  {batch / found['whole step']:.2f} images/s; changed alone:")
        for name, changes in SWITCHES.items():
            changed = variant(preset, **changes)
            if contradictions(changed):
                continue
            took = seconds_a_step(make_stage(changed, size, runtime), options.seconds)
            ratio = found["whole step"] / took
            print(f"  {name:42s} {batch / took:8.2f} images/s  x {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
