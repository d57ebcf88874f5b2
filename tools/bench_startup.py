"""How long the commands take that load no networks, against bare programs that do as much.

    python tools/bench_startup.py [RUNS] [--only WORD]

Each is a process of its own, all of them in turn, RUNS times. Prints processor time and elapsed
time, the least and the median in milliseconds, and how many times the bare program's least
processor time that is: on a busy machine only this means something. The bare programs are this
file's own: click and rich with as many commands or rows, and a script that prints ColorThief's
colours of the same picture.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PICTURE = "examples/astronaut.png"
HASNET = ["-m", "hasnet_cli"]
BARE = [__file__, "bare"]
COLORTHIEF = """
import sys
from colorthief import ColorThief
print(ColorThief(sys.argv[1]).get_palette(21, 10))
"""
# What is run, and the bare program that it is compared with.
PROGRAMS = {
    "python": (["-c", "pass"], "bare --help"),
    "bare --help": ([*BARE, "--help"], "bare --help"),
    "bare domains": ([*BARE, "domains"], "bare domains"),
    "colorthief": (["-c", COLORTHIEF, PICTURE], "colorthief"),
    "hasnet --version": ([*HASNET, "--version"], "bare --help"),
    "hasnet --help": ([*HASNET, "--help"], "bare --help"),
    "hasnet avatar --help": ([*HASNET, "avatar", "--help"], "bare --help"),
    "hasnet completion bash": ([*HASNET, "completion", "bash"], "bare --help"),
    "hasnet domains": ([*HASNET, "domains"], "bare domains"),
    "hasnet palette --whole": ([*HASNET, "palette", "--whole", PICTURE], "colorthief"),
    "hasnet palette": ([*HASNET, "palette", PICTURE], "colorthief"),
}
ROWS = 13


def milliseconds(args: list[str]) -> tuple[float, float]:
    """Processor and elapsed time of one run, from starting the process to its end."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(args)} ended with {process.returncode}")
    return 1000 * (usage.ru_utime + usage.ru_stime), 1000 * elapsed


def bare() -> None:
    """A program that does nothing but what click, rich and ColorThief do for it."""
    import click
    from rich.console import Console

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option("1.0")
    def cli() -> None:
        """Turn something into something else."""

    def listing() -> None:
        """List what there is."""
        from rich.table import Table

        table = Table("name", "title", "references", "head", "licence", "plugin", box=None)
        for number in range(ROWS):
            table.add_row(str(number), "Title", "36", "no", "some licence", "distribution 0.1.0")
        Console(markup=False, width=10_000).print(table)

    for number in range(ROWS):
        cli.command(f"other{number}")(listing)
    cli.command("domains")(listing)
    cli(sys.argv[2:])


def main() -> int:
    if sys.argv[1:2] == ["bare"]:
        bare()
    words = sys.argv[1:]
    only = words[words.index("--only") + 1] if "--only" in words else ""
    runs = int(words[0]) if words[:1] and words[0].isdecimal() else 7
    chosen = {name: p for name, p in PROGRAMS.items() if only in name or name == p[1]}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in chosen}
    for _ in range(runs):
        for name, (args, _) in chosen.items():
            times[name].append(milliseconds(args))
    print(f"{'':26} {'processor':>11} {'elapsed':>11}   ratio")
    for name, (_, against) in chosen.items():
        cpu, elapsed = zip(*times[name], strict=True)
        shown = (f"{min(each):5.0f} {statistics.median(each):5.0f}" for each in (cpu, elapsed))
        print(f"{name:26} {' '.join(shown)}   {min(cpu) / min(times[against])[0]:5.2f}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
