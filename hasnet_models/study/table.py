"""Table 1: the mean of each system on each scale, with a confidence interval.

Participants and samples are both drawn from many, so both are drawn again: each bootstrap sample
takes as many participants and as many samples as there are, with replacement and independently
(Owen 2007, "The pigeonhole bootstrap"). An interval from the scores alone, as if each had come by
itself, would be far too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hasnet_models.errors import UsageError
from hasnet_models.study.answers import Answer
from hasnet_models.study.scales import SCALES

DRAWS = 2000
_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % confidence interval; `low` and `high` are None for one score alone."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Row:
    """A system's line of Table 1.

    Attributes:
        answers: how many it got.
        scales: one interval for each of `SCALES`.
    """

    system: str
    answers: int
    scales: tuple[Interval, ...]


def table(answers: Sequence[Answer], *, seed: int = 0, draws: int = DRAWS) -> list[Row]:
    """A row a system, the most preferred first; the same answers and seed give the same table.

    Raises:
        UsageError: there are no answers.
    """
    if not answers:
        raise UsageError("There are no answers yet.")
    participants = sorted({one.participant for one in answers})
    samples = sorted({one.item.sample for one in answers})
    rng = np.random.default_rng(seed)
    weights = _drawn(rng, len(participants), draws), _drawn(rng, len(samples), draws)
    rows = []
    for system in sorted({one.item.system for one in answers}):
        own = [one for one in answers if one.item.system == system]
        places = [(participants.index(a.participant), samples.index(a.item.sample)) for a in own]
        rows.append(_row(system, np.array([a.scores for a in own]), np.array(places), weights))
    return sorted(rows, key=lambda row: (-row.scales[-1].mean, row.system))


def _drawn(rng: np.random.Generator, count: int, draws: int) -> np.ndarray:
    """How often each of `count` is taken in each draw, (draws, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), draws)


def _row(
    system: str, scores: np.ndarray, places: np.ndarray, weights: tuple[np.ndarray, np.ndarray]
) -> Row:
    """The row of scores (N, 4), given by participant and of sample `places` (N, 2)."""
    counts = weights[0][:, places[:, 0]] * weights[1][:, places[:, 1]]
    counts = counts[counts.any(axis=1)]  # a draw may miss all of a system's few answers
    means = counts @ scores / counts.sum(axis=1, keepdims=True)
    low, high = np.percentile(means, _TAILS, axis=0)
    alone = len(scores) == 1
    intervals = (
        Interval(float(mean), *((None, None) if alone else (float(low[i]), float(high[i]))))
        for i, mean in enumerate(scores.mean(axis=0))
    )
    return Row(system, len(scores), tuple(intervals))


def titles() -> list[str]:
    """The heads of the scales' columns."""
    return [scale.title for scale in SCALES]
