"""Whole training steps against each other, turn by turn, on noise instead of faces.

    python tools/race_training.py --size 64 --threads 1 --turns 8 --against ../before
    python tools/race_training.py --stage rt --ways
    python tools/race_training.py --threads 2 --processes 2

Each runner is a process of its own that takes some steps when it is its turn, so that a busy
machine is busy for all of them: the step as it is, that of another checkout (`--against`), and with
`--ways` plain torch and each way of `hasnet_models.training.cpu` alone; with `--processes` the same
joint batch by so many processes, which share the threads. Printed are the medians of processor time
and time, in milliseconds an image, and the median of the turns' own ratios to the first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from bench_training import make_stage, noise_faces, variant

from hasnet_models.config.load import load_preset
from hasnet_models.memory import keep_memory_mapped
from hasnet_models.training import distributed
from hasnet_models.training.rt_stage import RTStage
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.tt_stage import TTStage

HERE = Path(__file__).parents[1]
POOL, STEPS = 64, 4


@dataclass(frozen=True)
class Runner:
    """Steps of a checkout; ``ways`` in the place of those that it chooses, ``changes`` of keys.

    Attributes:
        processes: that share the joint batch and the threads.
    """

    name: str
    checkout: Path = HERE
    ways: tuple[str, ...] | None = None
    changes: tuple[str, ...] = ()
    processes: int = 1

    def start(self, options: argparse.Namespace) -> subprocess.Popen[str]:
        """Its process, which works a turn for each line that it gets."""
        command = [sys.executable, __file__, "--work", "--stage", options.stage]
        threads = max(1, options.threads // self.processes)
        command += ["--size", str(options.size), "--threads", str(threads)]
        command += ["--set", *self.changes]
        if self.ways is not None:
            command += ["--only", *self.ways]
        path = os.pathsep.join((str(self.checkout), str(self.checkout / "tools")))
        # the script's own folder comes first on the path, unless Python is told otherwise
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
        if self.processes > 1:
            from hasnet_models.training.companions import places  # other checkouts may lack it

            environment |= places(self.processes)[0]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)


def made(options: argparse.Namespace, runtime: Runtime) -> RTStage | TTStage:
    """The stage whose steps are taken."""
    preset = variant(load_preset("lite", options.set), pool=POOL)
    if options.stage == "tt":
        return make_stage(preset, options.size, runtime)
    faces = noise_faces(preset.tt.domains, preset.rt_train.size)
    return RTStage(preset, faces, faces, runtime)


def turn(stage: RTStage | TTStage) -> dict[str, float]:
    """Processor ms and ms an image of STEPS steps."""
    stage.step_number = 1  # the same lazy losses in each turn, R1 in none
    clocks = time.process_time(), time.perf_counter()
    for _ in range(STEPS):
        stage.step()
    own = STEPS * stage.config.batch
    used, took = time.process_time() - clocks[0], time.perf_counter() - clocks[1]
    return {"processor": used / own * 1e3, "time": took / (own * distributed.world()) * 1e3}


def companions() -> list[subprocess.Popen[str]]:
    """The other processes of a joint batch, which the first one starts."""
    if os.environ.get("RANK") != "0":
        return []
    return [
        subprocess.Popen(
            [sys.executable, *sys.argv], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True, env={**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(1, int(os.environ["WORLD_SIZE"]))
    ]  # fmt: skip


def work(options: argparse.Namespace) -> None:
    """A turn for each line that comes; the first one warms up."""
    keep_memory_mapped()
    torch.set_num_threads(options.threads)
    others = companions()
    with distributed.processes("cpu"):
        take_turns(options, others)
    for other in others:
        other.wait()


def take_turns(options: argparse.Namespace, others: list[subprocess.Popen[str]]) -> None:
    """Each line is passed on to the others, which then take the same turn."""
    runtime = Runtime.choose(torch.device("cpu"))
    if options.only is not None:
        runtime = replace(runtime, quick=tuple(options.only))
    stage = made(options, runtime)
    for line in sys.stdin:
        for other in others:
            other.stdin.write(line)
            other.stdin.flush()
        print(json.dumps(turn(stage)), flush=True)
    for other in others:
        other.stdin.close()


def runners(options: argparse.Namespace) -> Iterator[Runner]:
    """Those that are asked for; the first is what the others are compared with."""
    if options.against:
        yield Runner("before", options.against.resolve())
    if options.ways:
        from hasnet_models.training import cpu

        yield Runner("plain torch", ways=())
        yield from (Runner(f"alone: {way}", ways=(way,)) for way in cpu.ALL)
    yield Runner("as it is")
    yield from (Runner(one, changes=(one,)) for one in options.trial)
    if (count := options.processes) > 1:
        from hasnet_models.training.companions import share_of

        key = f"{options.stage}_train"
        each = getattr(share_of(load_preset("lite", []), options.stage, count), key).batch
        yield Runner(f"{count} processes", changes=(f"{key}.batch={each}",), processes=count)


def race(options: argparse.Namespace) -> None:
    """Print what they need."""
    from turns import taken_in_turn  # here, as other checkouts that run this file may lack it

    processes = {runner.name: runner.start(options) for runner in runners(options)}
    found = taken_in_turn(processes, 1 + options.turns)
    first = next(iter(found.values()))[1:]
    what = f"TT-Net, {options.size} px" if options.stage == "tt" else "RT-Net"
    print(f"{what}, {options.threads} thread(s), {options.turns} turns: ms an image")
    for name, turns in found.items():
        cells = []
        for clock in ("processor", "time"):
            own = [t[clock] for t in turns[1:]]
            ratio = statistics.median(a[clock] / b for a, b in zip(first, own, strict=True))
            cells.append(f"{clock} {statistics.median(own):7.1f}  x {ratio:.2f}")
        print(f"  {name:32s} {'   '.join(cells)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", choices=["tt", "rt"], default="tt")
    parser.add_argument("--size", type=int, default=64, help="of stage II's output, px")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--against", type=Path, help="a checkout of another version")
    parser.add_argument("--ways", action="store_true", help="plain torch and each way alone, too")
    parser.add_argument("--trial", nargs="*", default=[], help="a key's value, as of hasnet train")
    parser.add_argument("--processes", type=int, default=1, help="also by so many processes")
    parser.add_argument("--set", nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options)
    else:
        race(options)


if __name__ == "__main__":
    main()
