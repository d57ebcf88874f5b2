"""A palette as a picture: its colours, and below them those of each zone by how much they fill."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.sheet import caption_cell
from hasnet_models.topology.zone_names import ZONES

SIDE = 48  # of one colour of the first row


def swatches(colours: NDArray[np.uint8], shares: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """The colours (N, 3) as squares in one row, uint8; with shares (N, 6) a row for each zone."""
    width = SIDE * len(colours)
    first = np.repeat(colours, SIDE, axis=0)[None].repeat(SIDE, axis=0)
    if shares is None:
        return np.ascontiguousarray(first)
    rows = [first]
    for zone, share in zip(ZONES, shares.T, strict=True):
        label = caption_cell(zone, 4 * SIDE)[-SIDE:, SIDE : 3 * SIDE]
        rows.append(np.concatenate([label, _bar(colours, share, width - 2 * SIDE)], axis=1))
    return np.concatenate(rows)


def _bar(colours: NDArray[np.uint8], share: NDArray[np.float32], width: int) -> NDArray[np.uint8]:
    """The colours of one zone, the most frequent first, as wide as their share."""
    order = np.argsort(-share, kind="stable")
    ends = np.cumsum(share[order]) / share.sum()
    places = np.searchsorted(ends, (np.arange(width) + 0.5) / width)
    line = colours[order[places.clip(0, len(order) - 1)]]
    return line[None].repeat(SIDE, axis=0)
