"""SANet (Park and Lee 2019): each place of the source attends to the places of the reference."""

from __future__ import annotations

import torch
from torch import Tensor

from hasnet_models.evaluation.systems.feature_space import FeatureSpace, normalised, statistics_of


class SANet(FeatureSpace):
    """The attention without learned projections, on one of the published two layers."""

    name = "SANet"
    note = (
        "SANet: its attention on one layer, without the learned 1x1 convolutions (they are the "
        "identity), half and half with the content's features under the reference's statistics."
    )

    def transfer(self, content: Tensor, style: Tensor) -> Tensor:
        return (attended(content, style) + statistics_of(content, style)) / 2


def attended(content: Tensor, style: Tensor) -> Tensor:
    """For each place of the content the mean of the style's features, weighted by likeness.

    Args:
        content, style: (1, C, H, W).
    """
    query, keys = normalised(content)[0].flatten(1), normalised(style)[0].flatten(1)
    weights = (query.T @ keys / len(keys) ** 0.5).softmax(1)
    return torch.mm(style[0].flatten(1), weights.T).view_as(content)
