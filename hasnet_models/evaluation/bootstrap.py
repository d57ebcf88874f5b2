"""Confidence intervals by the bootstrap (Efron 1979), the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 1000
LEVEL = 0.95
_Z = 1.959964  # of the normal distribution at that level


def mean_interval(values: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """The percentile interval of a mean at `LEVEL`.

    Args:
        values: (N,), N of at least 1.

    Returns:
        Its lower and upper end.
    """
    values = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def normal_interval(
    estimate: float,
    statistic: Callable[[NDArray], float],
    count: int,
    seed: int = 0,
    times: int = 50,
) -> tuple[float, float]:
    """An interval around an estimate whose bootstrap is shifted, as those of FID and KID are.

    A set drawn with repetition has too small a spread, so the percentiles lie beside the estimate;
    their standard deviation is right.

    Args:
        statistic: of the positions that are drawn, (count,); NaN where it has none.
        times: how many resamples.
    """
    rng = np.random.default_rng(seed)
    found = [statistic(rng.integers(count, size=count)) for _ in range(times)]
    reach = _Z * float(np.nanstd(found))
    return estimate - reach, estimate + reach
