"""Seconds of calls: medians, and two calls turn by turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


def seconds(run: Callable[[], object]) -> float:
    """Of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def median(run: Callable[[], object], runs: int) -> float:
    """Median seconds of a call, after one that does not count."""
    run()
    return statistics.median(seconds(run) for _ in range(runs))


@dataclass(frozen=True)
class Pair:
    """Median seconds of two calls, and the median of the turns' own ratios, second by first."""

    first: float
    second: float
    ratio: float


def pair(first: Callable[[], object], second: Callable[[], object], runs: int) -> Pair:
    """Both turn by turn, so that a busy machine is busy for both; a turn before does not count."""
    turns = [(seconds(first), seconds(second)) for _ in range(runs + 1)][1:]
    ratio = statistics.median(b / a for a, b in turns)
    return Pair(*(statistics.median(times) for times in zip(*turns, strict=True)), ratio)
