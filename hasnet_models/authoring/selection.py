"""Choosing a domain's references among many pictures: typical ones, as unlike each other as can be.

Left out are the tenth whose z_id is farthest from the domain's mean (misaligned or damaged pictures
are there), then a fifth each time: the strangest faces (glasses, hands, no sure mesh), the most
one-sided ones (side light, fringes), the palettes farthest from the domain's median; unless too few
would stay. The rest is clustered by z_id and palette (k-medoids from farthest points, which begin
with the most typical), and each cluster gives its middle: as unlike each other as can be, without
being the extremes. The same input gives the same choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from hasnet_models.authoring.wanted import COUNT

TYPICAL_SHARE = 0.9
GOOD_SHARE = 0.8
ROUNDS = 10  # of clustering

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A picture that may become a reference.

    Args:
        file, source, licence: what is known of it.
        palette: uint8 (20, 3).
        z_id: float32 (D,), unit length.
        strangeness: of its face (`topology.appearance.strangeness`), infinite without a sure mesh,
            as is
        one_sidedness: of its face.
        lightness: L* of its skin (`balance.lightness_of_face`), NaN where that is not known.
    """

    file: str
    source: str
    licence: str
    palette: np.ndarray
    z_id: np.ndarray
    strangeness: float = 0.0
    one_sidedness: float = 0.0
    lightness: float = math.nan


def choose(pool: Sequence[Candidate], count: int = COUNT) -> list[Candidate]:
    """Middles of clusters; both halves of the distance have mean square 1 over the pool.

    Args:
        pool: at least two.
        count: fewer are given where the pool has not as many.
    """
    z_ids = np.stack([candidate.z_id for candidate in pool])
    colours = np.stack([_colour_key(candidate.palette) for candidate in pool])
    typical = z_ids @ z_ids.mean(axis=0)
    kept = _least(-typical, np.arange(len(pool)), TYPICAL_SHARE, count)
    for fault in (
        np.array([candidate.strangeness for candidate in pool]),
        np.array([candidate.one_sidedness for candidate in pool]),
        np.linalg.norm(colours - np.median(colours, axis=0), axis=1),
    ):
        kept = _least(fault, kept, GOOD_SHARE, count)
    points = np.concatenate([_scaled(z_ids[kept]), _scaled(colours[kept])], axis=1)
    chosen = _farthest(points, int(np.argmax(typical[kept])), count)
    for _ in range(ROUNDS):
        chosen = _middles(points, chosen)
    return [pool[kept[i]] for i in chosen]


def _farthest(points: np.ndarray, first: int, count: int) -> list[int]:
    """Farthest-point selection: each is as far as can be from all before it."""
    chosen = [first]
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        distance = np.minimum(distance, np.square(points - points[chosen[-1]]).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return chosen


def _middles(points: np.ndarray, chosen: Sequence[int]) -> list[int]:
    """Of all points nearest to each chosen one, the point nearest to their mean."""
    gaps = np.stack([np.square(points - points[i]).sum(axis=1) for i in chosen])
    gaps[np.arange(len(chosen)), chosen] = -1  # equal points each keep their own cluster
    nearest = gaps.argmin(axis=0)
    middles = []
    for number in range(len(chosen)):
        members = np.flatnonzero(nearest == number)
        centre = points[members].mean(axis=0)
        middles.append(int(members[np.square(points[members] - centre).sum(axis=1).argmin()]))
    return middles


def _least(values: np.ndarray, among: np.ndarray, share: float, count: int) -> np.ndarray:
    """The share with the least values, at least `count` where there are as many, and all ties."""
    most = min(max(int(len(among) * share), count), len(among))
    return among[values[among] <= np.sort(values[among])[most - 1]]


def _colour_key(colours: np.ndarray) -> np.ndarray:
    """A palette as numbers that do not depend on its order: sorted by luminance."""
    values = colours.astype(np.float64) / 255
    return values[np.argsort(values @ (0.299, 0.587, 0.114), kind="stable")].ravel()


def _scaled(points: np.ndarray) -> np.ndarray:
    centred = points - points.mean(axis=0)
    return centred / max(np.sqrt(np.square(centred).sum(axis=1).mean()), 1e-9)


def spread_out(several: Sequence[T], most: int) -> list[T]:
    """At most that many, evenly over all, the first among them."""
    if len(several) <= most:
        return list(several)
    return [several[number * len(several) // most] for number in range(most)]
