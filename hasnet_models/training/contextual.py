"""Contextual similarity of Mechrez, Talmi and Zelnik-Manor (2018), used by Eq. 9 and 10."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-5


def contextual_similarity(x: Tensor, y: Tensor, bandwidth: float = 0.5) -> Tensor:
    """CX(x, y) in 0..1 for each sample.

    Features are centred on the mean of the target ``y``, compared by cosine distance; each
    distance is divided by the smallest of its row, turned into a similarity with ``bandwidth`` h
    and normalised over the row; CX is the mean over the target's points of their best match.

    Args:
        x: features of the generated image, (B, C, H, W).
        y: features of the target, (B, C, H', W').
    """
    x, y = x.flatten(2), y.flatten(2)
    centre = y.mean(2, keepdim=True)
    x = torch.nn.functional.normalize(x - centre, dim=1)
    y = torch.nn.functional.normalize(y - centre, dim=1)
    distance = 1 - x.transpose(1, 2) @ y
    relative = distance / (distance.amin(2, keepdim=True) + EPSILON)
    similarity = ((1 - relative) / bandwidth).softmax(2)
    return similarity.amax(1).mean(1)
