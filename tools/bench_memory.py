"""What `hasnet_models.memory.keep_memory_mapped` brings: with and without it, turn by turn.

    python tools/bench_memory.py --turns 20 --threads 1

Two processes, one with it and one without, work in turns, so that a busy machine is busy for both.
In a turn each fills fresh tensors and takes two of RT-Net's training steps on noise. The medians
are printed, and the median of the turns' own ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator

import torch
from bench_training import noise_faces
from turns import taken_in_turn

from hasnet_models.benchmark.clock import seconds
from hasnet_models.benchmark.processes import own_peak
from hasnet_models.config.load import load_preset
from hasnet_models.memory import keep_memory_mapped
from hasnet_models.training.rt_stage import RTStage
from hasnet_models.training.runtime import Runtime

FILL_BYTES = 2**26
FILLS, STEPS, WARM_UP = 20, 2, 3


def rate(run: Callable[[], object], calls: int) -> float:
    """Calls a second."""
    return calls / seconds(lambda: [run() for _ in range(calls)])


def turns(kept: bool, threads: int) -> Iterator[dict[str, float]]:
    """The figures of one turn after the other."""
    if kept and not keep_memory_mapped():
        raise SystemExit("there is no glibc here")
    torch.set_num_threads(threads)
    preset = load_preset("lite")
    faces = noise_faces(preset.tt.domains, preset.rt_train.size)
    stage = RTStage(preset, faces, faces, Runtime())
    while True:
        fills = rate(lambda: torch.empty(FILL_BYTES, dtype=torch.uint8).fill_(1), FILLS)
        steps = rate(stage.step, STEPS)
        yield {
            "allocate and fill, GB/s": fills * FILL_BYTES / 1e9,
            f"RT-Net, {preset.rt_train.size} px, images/s": steps * preset.rt_train.batch,
            "most memory, MiB": own_peak(),
        }


def work(kept: bool, threads: int) -> None:
    """A turn for each line that comes."""
    found = turns(kept, threads)
    for _ in sys.stdin:
        print(json.dumps(next(found)), flush=True)


def compare(count: int, threads: int) -> None:
    """Print what both processes reach."""
    processes = {
        name: subprocess.Popen(
            [sys.executable, __file__, "--work", name, "--threads", str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("without", "with")
    }  # fmt: skip
    figures = taken_in_turn(processes, WARM_UP + count)
    for figure in figures["with"][0]:
        without, kept = ([turn[figure] for turn in found[WARM_UP:]] for found in figures.values())
        ratio = statistics.median(b / a for a, b in zip(without, kept, strict=True))
        middle = f"{statistics.median(without):8.2f} -> {statistics.median(kept):8.2f}"
        print(f"{figure:26s} {middle}   x {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", choices=["without", "with"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work == "with", options.threads)
    else:
        compare(options.turns, options.threads)


if __name__ == "__main__":
    main()
