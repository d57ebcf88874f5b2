"""Choosing a domain's references among many pictures: typical ones, as unlike each other as can be.

The tenth whose z_id is farthest from the domain's mean is left out (misaligned or damaged pictures
are there); of the rest, farthest-point selection over z_id and palette takes the most different
ones, beginning with the most typical. The same input gives the same choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COUNT = 36
TYPICAL_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class Candidate:
    """A picture that may become a reference.

    Args:
        file, source, licence: what is known of it.
        palette: uint8 (20, 3).
        z_id: float32 (D,), unit length.
    """

    file: str
    source: str
    licence: str
    palette: np.ndarray
    z_id: np.ndarray


def choose(pool: Sequence[Candidate], count: int = COUNT) -> list[Candidate]:
    """Farthest-point selection; both halves of the distance have mean square 1 over the pool.

    Args:
        pool: at least two.
        count: fewer are given where the pool has not as many typical ones.
    """
    z_ids = np.stack([candidate.z_id for candidate in pool])
    typical = z_ids @ z_ids.mean(axis=0)
    kept = np.sort(np.argsort(-typical, kind="stable")[: int(len(pool) * TYPICAL_SHARE)])
    colours = np.stack([_colour_key(pool[i].palette) for i in kept])
    points = np.concatenate([_scaled(z_ids[kept]), _scaled(colours)], axis=1)
    chosen = [int(np.argmax(typical[kept]))]
    distance = np.full(len(kept), np.inf)
    while len(chosen) < min(count, len(kept)):
        distance = np.minimum(distance, np.square(points - points[chosen[-1]]).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return [pool[kept[i]] for i in chosen]


def _colour_key(colours: np.ndarray) -> np.ndarray:
    """A palette as numbers that do not depend on its order: sorted by luminance."""
    values = colours.astype(np.float64) / 255
    return values[np.argsort(values @ (0.299, 0.587, 0.114), kind="stable")].ravel()


def _scaled(points: np.ndarray) -> np.ndarray:
    centred = points - points.mean(axis=0)
    return centred / max(np.sqrt(np.square(centred).sum(axis=1).mean()), 1e-9)
