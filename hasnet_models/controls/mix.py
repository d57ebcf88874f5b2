"""A reference between several: their vectors averaged, their palettes merged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hasnet_models.controls.tint import shares_of
from hasnet_models.errors import UsageError
from hasnet_models.lab import to_lab
from hasnet_models.palette import COLOURS
from hasnet_models.plugins.reference import Reference

_LEAST_LENGTH = 1e-3  # of a mean z_id: below it the z_ids are opposite and have no middle


def mix(references: Sequence[Reference], weights: Sequence[float]) -> Reference:
    """A reference by weights: one that has all the weight comes back as it is.

    z_ids, shapes and appearance maps are weighted means (of the references that have one), the
    z_id of unit length again. Palettes are merged in proportion (`merged`).

    Args:
        references: at least one, no matter how often each.
        weights: one for each, from 0, summing to 1.

    Raises:
        UsageError: the z_ids are of different networks, or opposite to each other.
    """
    used = [pair for pair in zip(references, weights, strict=True) if pair[1] > 0]
    if len(used) == 1:
        return used[0][0]
    parts, shares_of = zip(*used, strict=True)
    if len({part.z_id_model for part in parts}) > 1:
        raise UsageError("References of different identity networks cannot be mixed.")
    palette, shares = merged(parts, shares_of)
    appearance = _mean([part.appearance for part in parts], shares_of)
    shape = _mean([part.shape for part in parts], shares_of)
    return Reference(
        "+".join(part.name for part in parts),
        palette,
        _z_id(parts, shares_of),
        parts[0].z_id_model,
        _joined([part.licence for part in parts]),
        _joined([part.source for part in parts]),
        shares,
        None if shape is None else shape.astype(np.float32),
        None if appearance is None else appearance.round().astype(np.uint8),
    )


def merged(
    references: Sequence[Reference], weights: Sequence[float]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Palette (20, 3) and shares (20, 6) with as many colours of each reference as its weight says.

    Taken are the colours that a reference uses most over all zones, in its own order; the share of
    one that is left out goes to the nearest, in Lab, of those that are taken. The palettes are
    interleaved, so that important colours stand first as in each of them.
    """
    counts = proportion(weights, COLOURS)
    places, colours, shares = [], [], []
    for reference, weight, count in zip(references, weights, counts, strict=True):
        if count == 0:
            continue
        palette, own = _reduced(reference, count)
        places.append((np.arange(count) + 0.5) / count)
        colours.append(palette)
        shares.append(weight * own)
    order = np.argsort(np.concatenate(places), kind="stable")
    found = np.concatenate(shares)[order]
    return np.concatenate(colours)[order], (found / found.sum(0)).astype(np.float32)


def proportion(weights: Sequence[float], total: int) -> NDArray[np.int64]:
    """Whole numbers summing to `total`, in proportion to weights (largest remainders)."""
    exact = np.asarray(weights, np.float64) / np.sum(weights) * total
    counts = np.floor(exact).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: total - counts.sum()]] += 1
    return counts


def _reduced(reference: Reference, count: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The `count` colours that a reference uses most, and their shares, columns summing to 1."""
    shares = shares_of(reference)
    chosen = np.sort(np.argsort(-shares.sum(1), kind="stable")[:count])
    lab = to_lab(reference.palette)
    nearest = np.linalg.norm(lab[:, None] - lab[chosen], axis=2).argmin(1)
    nearest[chosen] = np.arange(count)
    own = np.zeros((count, shares.shape[1]), np.float32)
    np.add.at(own, nearest, shares)
    return reference.palette[chosen], own


def _z_id(references: Sequence[Reference], weights: Sequence[float]) -> NDArray[np.float32]:
    middle = sum(w * r.z_id.astype(np.float64) for r, w in zip(references, weights, strict=True))
    length = float(np.linalg.norm(middle))
    if length < _LEAST_LENGTH:
        raise UsageError("References that are opposite to each other have no mixture.")
    return (middle / length).astype(np.float32)


def _mean(arrays: Sequence[NDArray | None], weights: Sequence[float]) -> NDArray[np.float64] | None:
    """The weighted mean of those that are there."""
    pairs = zip(weights, arrays, strict=True)
    there = [(weight, array.astype(np.float64)) for weight, array in pairs if array is not None]
    if not there:
        return None
    return sum(w * a for w, a in there) / sum(w for w, _ in there)


def _joined(texts: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
