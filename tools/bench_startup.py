"""How long the commands take that load no networks.

    python tools/bench_startup.py [RUNS]

Prints the shortest and the median time of each in milliseconds, processes started one by one.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = (
    ["--version"], ["--help"], ["avatar", "--help"], ["domains"], ["completion", "bash"],
    ["palette", "examples/astronaut.png"],
)  # fmt: skip


def seconds(args: list[str]) -> float:
    """Of one run, from starting the process to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "hasnet_cli", *args], capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for args in COMMANDS:
        times = [1000 * seconds(args) for _ in range(runs)]
        print(f"{' '.join(args[:2]):32} {min(times):5.0f} {statistics.median(times):5.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
