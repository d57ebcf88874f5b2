"""Time of each medium at 512 px and 2,048 px, against the networks', and how it grows.

    python tools/bench_medium.py [KIND ...] [--photo PHOTO] [--runs 5] [--threads 2]

Prints the least seconds of the runs on the clock, and of the processors in brackets; `networks` is
the time from an aligned face to X_TT. All take turns, so that a busy machine is busy for all. The
aims: 0.12 s and 0.6 of the networks' time at 512 px; 2,048 px have 16 times the pixels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.face.align import resized
from hasnet_models.medium import KINDS, apply
from hasnet_models.opencv import cv2
from hasnet_models.plugins import discover

SIDES = (512, 2048)
NETWORKS = "networks"
HEAD = f"{'':14}{512:>7} {'(cpu)':>8}  ratio {2048:>8} {'(cpu)':>8}  growth"

Seconds = tuple[float, float]


def timed(run: Callable[[], object]) -> Seconds:
    """Seconds on the clock and of the processors."""
    start, processors = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - start, time.process_time() - processors


def least(tasks: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Seconds]:
    """Least seconds of each task; they take turns, and the first turn does not count."""
    found = [{name: timed(task) for name, task in tasks.items()} for _ in range(runs + 1)][1:]
    return {name: tuple(np.min([turn[name] for turn in found], axis=0)) for name in tasks}


def tasks_of(photo: Path, kinds: list[str]) -> dict[str, Callable[[], object]]:
    """The networks, and each medium on what they make at each side."""
    pipeline = AvatarPipeline.load("cpu")
    domain = discover().domains[0]
    face, reference = pipeline.crop(image_io.read(photo))[0], domain.references[0]
    steps = pipeline.render(face, reference, domain)
    tasks: dict[str, Callable[[], object]] = {
        NETWORKS: lambda: pipeline.render(face, reference, domain)
    }
    for side in SIDES:
        picture = resized(steps.x_tt, side)
        for kind in kinds:
            medium = KINDS[kind]()
            tasks[f"{kind} {side}"] = lambda p=picture, m=medium: apply(p, m, zones=steps.zones)
    return tasks


def row(kind: str, found: Mapping[str, Seconds]) -> str:
    """One line of the table."""
    (small, small_cpu), (large, large_cpu) = (found[f"{kind} {side}"] for side in SIDES)
    return (
        f"{kind:14}{small:7.3f} ({small_cpu:6.3f}) {small / found[NETWORKS][0]:6.2f}"
        f" {large:8.3f} ({large_cpu:6.3f}) {large / small:7.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], metavar="KIND")
    parser.add_argument("--photo", type=Path, default=Path("examples/astronaut.png"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    kinds = options.kinds or list(KINDS)
    found = least(tasks_of(options.photo, kinds), options.runs)
    print(HEAD)
    print(f"{NETWORKS:14}{found[NETWORKS][0]:7.3f} ({found[NETWORKS][1]:6.3f})")
    for kind in kinds:
        print(row(kind, found))


if __name__ == "__main__":
    main()
