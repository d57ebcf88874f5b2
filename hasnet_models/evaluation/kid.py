"""KID x100: the kernel distance of two sets of features (Binkowski et al. 2018), by torchmetrics.

Unlike FID it is not larger for fewer pictures; it may be a little below 0.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from hasnet_models.evaluation.bootstrap import normal_interval
from hasnet_models.evaluation.extra import torchmetrics
from hasnet_models.evaluation.fid import Given

FACTOR = 100.0
SUBSETS = 50
_DEGREE = 3


def kid(real: NDArray, fake: NDArray, seed: int = 0) -> float:
    """A hundred times the squared distance with the cubic kernel, averaged over `SUBSETS` subsets.

    Each is as large as the smaller set.

    Args:
        real, fake: (N, D) and (M, D), N and M of at least 2.

    Raises:
        UsageError: torchmetrics is not installed.
    """
    size = min(len(real), len(fake))
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # that it keeps the features in memory
        kind = torchmetrics("image.kid").KernelInceptionDistance
        metric = kind(feature=Given(real.shape[1]), subsets=SUBSETS, subset_size=size)
        metric.set_dtype(torch.float64)
        torch.manual_seed(seed)
        metric.update(torch.from_numpy(np.asarray(real, np.float64)), real=True)
        metric.update(torch.from_numpy(np.asarray(fake, np.float64)), real=False)
        return FACTOR * float(metric.compute()[0])


def kid_interval(
    real: NDArray, fake: NDArray, estimate: float, seed: int = 0
) -> tuple[float, float]:
    """Its interval over what `fake` might have been.

    A picture that was drawn twice is no pair with itself: the chance number of such pairs would
    make the interval several times too wide.
    """
    real, fake = (np.asarray(x, np.float64) for x in (real, fake))
    across, inside = kernel(fake, real), kernel(fake, fake)

    def statistic(drawn: NDArray) -> float:
        others = drawn[:, None] != drawn
        within = inside[np.ix_(drawn, drawn)][others].mean() if others.any() else np.nan
        return FACTOR * (within - 2 * across[drawn].mean())

    return normal_interval(estimate, statistic, len(fake), seed)


def kernel(a: NDArray, b: NDArray) -> NDArray:
    """(x . y / D + 1) ** 3 of each row of `a` with each of `b`."""
    return (a @ b.T / a.shape[1] + 1) ** _DEGREE
