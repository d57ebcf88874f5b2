"""Processes that work when it is their turn, so that a busy machine is busy for all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any


def taken_in_turn(
    processes: Mapping[str, subprocess.Popen[str]], turns: int
) -> dict[str, list[dict[str, Any]]]:
    """What each process says of each of its turns, by its name; they end with the last one.

    Args:
        processes: each answers a line on its standard input with a line of JSON.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in processes}
    for _ in range(turns):
        for name, process in processes.items():
            process.stdin.write("\n")
            process.stdin.flush()
            found[name].append(json.loads(process.stdout.readline()))
    for process in processes.values():
        process.communicate()
    return found
