"""FID: the Fréchet distance of two sets of features (Heusel et al. 2017), by torchmetrics.

With few pictures it is too large, for both sets alike: values compare only within a table.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hasnet_models.evaluation.bootstrap import normal_interval
from hasnet_models.evaluation.extra import torchmetrics


class Given(nn.Identity):
    """Stands in torchmetrics for the network: the features have been computed already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def fid(real: NDArray, fake: NDArray) -> float:
    """The distance of two Gaussians fitted to features; 0 for the same set.

    Args:
        real, fake: (N, D) and (M, D), N and M of at least 2.

    Raises:
        UsageError: torchmetrics is not installed.
    """
    kind = torchmetrics("image.fid").FrechetInceptionDistance
    metric = kind(feature=Given(real.shape[1]))
    metric.set_dtype(torch.float64)
    metric.update(torch.from_numpy(np.asarray(real, np.float64)), real=True)
    metric.update(torch.from_numpy(np.asarray(fake, np.float64)), real=False)
    return max(0.0, float(metric.compute()))


def fid_interval(
    real: NDArray, fake: NDArray, estimate: float, seed: int = 0
) -> tuple[float, float]:
    """Its interval over what `fake` might have been."""
    mean, rows = _centred(real)
    return normal_interval(
        estimate, lambda drawn: _distance(mean, rows, *_centred(fake[drawn])), len(fake), seed
    )


def _centred(features: NDArray) -> tuple[NDArray, NDArray]:
    """Mean and the rows A with covariance A^T A."""
    features = np.asarray(features, np.float64)
    mean = features.mean(0)
    return mean, (features - mean) / np.sqrt(len(features) - 1)


def _distance(mean: NDArray, rows: NDArray, other_mean: NDArray, other_rows: NDArray) -> float:
    """The same distance from rows in place of covariances, quick where there are few.

    The trace of the root of A^T A B^T B is the sum of the singular values of A B^T.
    """
    shared = np.linalg.svd(rows @ other_rows.T, compute_uv=False).sum()
    spread = (rows**2).sum() + (other_rows**2).sum()
    return float(((mean - other_mean) ** 2).sum() + spread - 2 * shared)
