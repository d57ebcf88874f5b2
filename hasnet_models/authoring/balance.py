"""Choosing references evenly over how light their skin is.

Lightness is CIE L* of the skin zone, so it is that of a person and of the light on him together; a
data set without words on its people has no better measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hasnet_models.authoring.selection import COUNT, Candidate, choose
from hasnet_models.face.types import AlignedFace
from hasnet_models.lab import to_lab
from hasnet_models.opencv import cv2
from hasnet_models.plugins.reference import Reference
from hasnet_models.topology.zone_names import ZONES

LEVELS = 4
_MOST, _LEAST = 95, 5  # percentiles between which the levels are equally wide
_SKIN = ZONES.index("skin")


def lightness_of_reference(reference: Reference) -> float:
    """L* of its palette's skin colours, 0..100; NaN where its zones are not known."""
    if reference.shares is None:
        return math.nan
    return _lightness(reference.palette, reference.shares[:, _SKIN])


def lightness_of_face(face: AlignedFace) -> float:
    """L* of an aligned face's skin zone, 0..100; NaN where its zones are not known."""
    if face.zones is None:
        return math.nan
    weights = face.zones[_SKIN]
    small = cv2.resize(face.crop, weights.shape, interpolation=cv2.INTER_AREA)
    return _lightness(small.reshape(-1, 3), weights.ravel() ** 2)


def choose_evenly(pool: Sequence[Candidate], count: int = COUNT) -> list[Candidate]:
    """As `choose`, but as many of each level of skin lightness as there are.

    The levels are equally wide between the darkest and the lightest twentieth. Where a level has
    too few, the others give more. Candidates whose skin is not known are left out, unless there are
    no others.

    Args:
        pool: at least two.
        count: fewer are given where the pool has not as many.
    """
    known = [candidate for candidate in pool if math.isfinite(candidate.lightness)]
    if len(known) < count:
        return choose(pool, count)
    values = np.array([candidate.lightness for candidate in known])
    borders = np.linspace(*np.percentile(values, (_LEAST, _MOST)), LEVELS + 1)[1:-1]
    level = np.digitize(values, borders)
    groups = [[known[i] for i in np.flatnonzero(level == number)] for number in range(LEVELS)]
    shares = quotas([len(group) for group in groups], count)
    pairs = zip(groups, shares, strict=True)
    return [one for group, share in pairs if share for one in choose(group, share)]


def quotas(sizes: Sequence[int], count: int) -> list[int]:
    """How many to take of groups of these sizes, as evenly as they allow; all where too few."""
    found, left = [0] * len(sizes), count
    for done, number in enumerate(sorted(range(len(sizes)), key=lambda i: sizes[i])):
        found[number] = min(sizes[number], left // (len(sizes) - done))
        left -= found[number]
    return found


def _lightness(colours: np.ndarray, weights: ArrayLike) -> float:
    weights = np.asarray(weights, np.float64)
    total = weights.sum()
    return float(to_lab(colours)[:, 0] @ weights / total) if total > 0 else math.nan
