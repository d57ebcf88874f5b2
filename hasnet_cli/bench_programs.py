"""Whole programs of `hasnet bench`: our commands, each beside a bare program that does as much."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hasnet_models.benchmark import processes
from hasnet_models.benchmark.processes import Cost

Found = dict[str, Any]

_PYTHON = sys.executable
_HASNET = (_PYTHON, "-m", "hasnet_cli")
_HELP, _LIST, _COLOURS = "bare --help", "bare list", "ColorThief's colours"
_COLORTHIEF = """
import sys
from colorthief import ColorThief
print(ColorThief(sys.argv[1]).get_palette(21, 10))
"""


@dataclass(frozen=True)
class Program:
    """What is run.

    Attributes:
        against: the name of the program it is compared with; None for none.
        once: it takes long, and whatever it needs of the disk was read before.
    """

    name: str
    command: Sequence[str]
    against: str | None = None
    once: bool = False


def programs(picture: Path, commands: int, rows: int, avatar: Sequence[str]) -> list[Program]:
    """Ours and the bare ones.

    Args:
        picture: whose colours are printed.
        commands: of a bare program's help.
        rows: of a bare program's table.
        avatar: words of the command that makes an avatar; its name is the first three of them.
    """
    # As -c, so that the folder of the file is not searched for imports.
    bare = (_PYTHON, "-c", Path(__file__).with_name("bare_program.py").read_text("utf-8"))
    quick = [
        Program(_HELP, [*bare, str(commands), "--help"], _HELP),
        _ours(_HELP, "--version"),
        _ours(_HELP, "--help"),
        _ours(_HELP, "avatar", "--help"),
        Program(_LIST, [*bare, str(rows), "one"], _LIST),
        _ours(_LIST, "domains"),
        Program(_COLOURS, [_PYTHON, "-c", _COLORTHIEF, str(picture)], _COLOURS),
        Program("palette --whole", [*_HASNET, "palette", "--whole", str(picture)], _COLOURS),
    ]
    return [*quick, Program(" ".join(avatar[:3]), [*_HASNET, *avatar], once=True)]


def measure(several: Sequence[Program], runs: int, advance: Callable[[], None]) -> list[Found]:
    """Costs of each, all of them in turn, `runs` times; of a busy machine only ratios mean much.

    Seconds by the clock and MiB are medians, `processor` the least seconds of processor time, and
    `ratio` how many times the least of the bare program that is.
    """
    costs: dict[str, list[Cost]] = {one.name: [] for one in several}
    for turn in range(runs):
        for one in several:
            if not (one.once and turn):
                costs[one.name].append(processes.cost(one.command))
        advance()
    least = {name: min(one.processor for one in found) for name, found in costs.items()}
    return [_found(one, costs[one.name], least) for one in several]


def _ours(against: str, *words: str) -> Program:
    return Program(" ".join(words), [*_HASNET, *words], against)


def _found(program: Program, costs: Sequence[Cost], least: dict[str, float]) -> Found:
    sizes = [one.mib for one in costs if one.mib is not None]
    processor, bare = least[program.name], least.get(program.against or "")
    return {
        "command": program.name,
        "seconds": statistics.median(one.seconds for one in costs),
        "processor": processor or None,
        "against": program.against,
        "ratio": processor / bare if bare else None,
        "peak_mib": statistics.median(sizes) if sizes else None,
    }
