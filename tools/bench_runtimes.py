"""`hasnet avatar` as a whole process, once in onnxruntime and once in torch, turn by turn.

    python tools/bench_runtimes.py [--photo examples/astronaut.png] [--domain sketch] [--turns 5]

Prints of each runtime the shortest and the median wall time, the shortest processor time and the
most memory, then the ratios onnx / torch of each turn, which tell something on a busy machine too.
Bytecode is kept, whatever the environment says, as an installed package has it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RUNTIMES = ("torch", "onnx")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Cost:
    """Of one process: seconds of wall and of processor, most memory in MB."""

    wall: float
    processor: float
    memory: float


def cost(photo: Path, domain: str, runtime: str) -> Cost:
    """Of one avatar in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["avatar", str(photo), "--domain", domain, "--runtime", runtime]
        command = [sys.executable, "-m", "hasnet_cli", *words, "-o", f"{folder}/out.png"]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"hasnet avatar --runtime {runtime} failed")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def line(costs: Sequence[Cost]) -> str:
    walls = [one.wall for one in costs]
    return (
        f"{min(walls):6.2f} s {statistics.median(walls):6.2f} s "
        f"{min(one.processor for one in costs):6.2f} s {max(one.memory for one in costs):5.0f} MB"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=Path("examples/astronaut.png"))
    parser.add_argument("--domain", default="sketch")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    turns = [
        {name: cost(options.photo, options.domain, name) for name in RUNTIMES}
        for _ in range(options.turns + 1)
    ][1:]  # the first fills the disk's cache
    print(f"{'':8}   wall   median processor    memory")
    for name in RUNTIMES:
        print(f"{name:8} {line([turn[name] for turn in turns])}")
    for what in ("wall", "processor", "memory"):
        ratios = [getattr(t["onnx"], what) / getattr(t["torch"], what) for t in turns]
        print(f"onnx / torch, {what}: {statistics.median(ratios):.2f} ({min(ratios):.2f} least)")


if __name__ == "__main__":
    main()
