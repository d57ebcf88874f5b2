"""Quantiles without the masked arrays that numpy's own import (20 ms)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def quantile(values: NDArray, share: float) -> NDArray:
    """Over the first axis, as `numpy.quantile`: linear between neighbours.

    Args:
        values: (N, ...), N at least 1, all finite.
        share: 0..1; 0.5 gives the median.

    Returns:
        (...), float64.
    """
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    ordered = np.partition(values, (low, high), axis=0)
    lower, upper = (ordered[i].astype(np.float64) for i in (low, high))
    return lower + (place - low) * (upper - lower)
