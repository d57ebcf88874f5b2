"""A medium's parameters from pictures that are made in it.

A pattern search (Hooke and Jeeves, "Direct search solution of numerical and statistical problems",
1961) over the bounded parameters: it needs no derivative, and each step can be followed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hasnet_models.medium import statistics
from hasnet_models.medium.base import Medium
from hasnet_models.medium.laying import apply
from hasnet_models.medium.scale import UNIT, Field, resize
from hasnet_models.medium.statistics import Statistics

_NETWORK = 96  # px: detail of a picture as the networks leave it
_FIRST_STEP, _LAST_STEP = 0.2, 0.02  # of a parameter's range
_TIES = 0.25  # what moving a parameter across its range costs


@dataclass(frozen=True)
class Fit:
    """What a search found.

    Attributes:
        medium: with the parameters found.
        before, after: distance of each statistic with the parameters given and found.
        energy_before, energy_after: edge energy against the references'; 1 is theirs.
    """

    medium: Medium
    before: dict[str, float]
    after: dict[str, float]
    energy_before: float
    energy_after: float


def fit(
    references: Iterable[Field],
    medium: Medium,
    sources: Sequence[Field] = (),
    zones: Sequence[Field | None] = (),
    fixed: Iterable[str] = (),
    evaluations: int = 120,
    say: Callable[[str], None] | None = None,
) -> Fit:
    """Search the parameters under which sources in a medium resemble the references.

    Args:
        references: pictures made in the medium, float32 (H, W, 3), 0..1.
        medium: its kind and the parameters to start from; staying near them is worth something.
        sources: pictures to lay the medium on; by default the references without their detail.
        zones: zone maps of each source, see `apply`; none by default.
        fixed: names of parameters that stay, beside those that no statistic tells about.
        evaluations: how many settings are tried at most.
        say: is told of each improvement.

    Raises:
        ValueError: there is no reference, zones and sources differ in number, or a name in
            `fixed` is no parameter.
    """
    references = [_sized(picture, statistics.SIDE) for picture in references]
    wanted = statistics.of(references)
    pictures = [_sized(picture, UNIT) for picture in sources] or [_plain(r) for r in references]
    pairs = list(zip(pictures, zones or [None] * len(pictures), strict=True))
    search = _Search(medium, pairs, wanted, frozenset(fixed), evaluations, say or (lambda _: None))
    found = search.run()
    before, after = search.look(medium), search.look(found)
    return Fit(
        found,
        statistics.distance(before, wanted),
        statistics.distance(after, wanted),
        before.edge_energy / wanted.edge_energy,
        after.edge_energy / wanted.edge_energy,
    )


def _sized(picture: Field, side: int) -> Field:
    """A picture whose longer side is `side` px at most."""
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(height, width))
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    return resize(picture, shape).clip(0, 1)


def _plain(picture: Field) -> Field:
    """A picture without what a network of that size does not draw."""
    scale = _NETWORK / max(picture.shape[:2])
    shape = tuple(max(1, round(length * scale)) for length in picture.shape[:2])
    return resize(resize(picture, shape), picture.shape[:2]).clip(0, 1)


class _Search:
    """One pattern search; parameters are handled as shares of their ranges."""

    def __init__(
        self,
        medium: Medium,
        sources: Sequence[tuple[Field, Field | None]],
        wanted: Statistics,
        fixed: frozenset[str],
        evaluations: int,
        say: Callable[[str], None],
    ) -> None:
        unknown = fixed - set(medium.bounds())
        if unknown:
            raise ValueError(f"{medium.kind} has no parameter {', '.join(sorted(unknown))}")
        self._start, self._sources, self._wanted = medium, sources, wanted
        self._names = [name for name in medium.fitted() if name not in fixed]
        self._left, self._say = evaluations, say

    def look(self, medium: Medium) -> Statistics:
        """Statistics of the sources in a medium."""
        return statistics.of(
            apply(picture, medium, zones=zones) for picture, zones in self._sources
        )

    def run(self) -> Medium:
        """The best medium found."""
        start = self._shares(self._start)
        best, cost, step = start, self._cost(start, start), _FIRST_STEP
        while step >= _LAST_STEP and self._left > 0:
            moved, moved_cost = self._explore(best, cost, step, start)
            if moved_cost < cost:
                best, cost = moved, moved_cost
            else:
                step /= 2
        return self._medium(best)

    def _explore(self, point: Field, cost: float, step: float, start: Field) -> tuple[Field, float]:
        """One pass over all parameters, each a step up or down where that is better."""
        for index, name in enumerate(self._names):
            for way in (step, -step):
                trial = point.copy()
                trial[index] = np.clip(point[index] + way, 0, 1)
                if self._left <= 0 or trial[index] == point[index]:
                    continue
                trial_cost = self._cost(trial, start)
                if trial_cost < cost:
                    self._say(f"{name} {self._value(name, trial[index]):.3g}: {trial_cost:.4f}")
                    point, cost = trial, trial_cost
                    break
        return point, cost

    def _cost(self, point: Field, start: Field) -> float:
        self._left -= 1
        apart = statistics.distance(self.look(self._medium(point)), self._wanted)
        return float(np.mean(list(apart.values())) + _TIES * np.mean((point - start) ** 2))

    def _shares(self, medium: Medium) -> Field:
        bounds = medium.bounds()
        values = [getattr(medium, name) for name in self._names]
        ranges = [bounds[name] for name in self._names]
        return np.array([(v - lo) / (hi - lo) for v, (lo, hi) in zip(values, ranges, strict=True)])

    def _value(self, name: str, share: float) -> float:
        low, high = self._start.bounds()[name]
        # four digits are what a manifest holds
        return min(high, max(low, float(f"{low + share * (high - low):.4g}")))

    def _medium(self, point: Field) -> Medium:
        values = {n: self._value(n, share) for n, share in zip(self._names, point, strict=True)}
        return dataclasses.replace(self._start, **values)
