"""WCT (Li et al. 2017): whitening and colouring of features."""

from __future__ import annotations

import torch
from torch import Tensor

from hasnet_models.evaluation.systems.feature_space import FeatureSpace

STRENGTH = 0.6  # the paper's for style transfer
_LEAST = 1e-3  # share of the largest eigenvalue from which a direction counts


class WCT(FeatureSpace):
    """One level of the published five."""

    name = "WCT"
    note = "WCT: one level in place of five; strength 0.6 as published."

    def transfer(self, content: Tensor, style: Tensor) -> Tensor:
        return STRENGTH * coloured(content, style) + (1 - STRENGTH) * content


def coloured(content: Tensor, style: Tensor) -> Tensor:
    """Features of the content with the style's mean and covariance.

    Args:
        content, style: (1, C, H, W).
    """
    x, y = content[0].flatten(1).double(), style[0].flatten(1).double()
    mean = y.mean(1, keepdim=True)
    white = _power(_covariance(x), -0.5) @ (x - x.mean(1, keepdim=True))
    found = _power(_covariance(y), 0.5) @ white + mean
    return found.to(content).view_as(content)


def _covariance(features: Tensor) -> Tensor:
    centred = features - features.mean(1, keepdim=True)
    return centred @ centred.T / (features.shape[1] - 1)


def _power(covariance: Tensor, exponent: float) -> Tensor:
    """A power of a symmetric matrix in the directions that it has."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > _LEAST * values[-1].clamp_min(1e-12)
    return vectors[:, kept] * values[kept] ** exponent @ vectors[:, kept].T
