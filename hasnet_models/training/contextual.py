"""Contextual similarity of Mechrez, Talmi and Zelnik-Manor (2018), used by Eq. 9 and 10."""

from __future__ import annotations

from torch import Tensor

EPSILON = 1e-5
LEAST_SQUARE = 1e-24


def contextual_similarity(x: Tensor, y: Tensor, bandwidth: float = 0.5) -> Tensor:
    """CX(x, y) in 0..1 for each sample.

    Features are centred on the mean of the target ``y``, compared by cosine distance; each
    distance is divided by the smallest of its row, turned into a similarity with ``bandwidth`` h
    and normalised over the row; CX is the mean over the target's points of their best match.

    Args:
        x: features of the generated image, (B, C, H, W).
        y: features of the target, (B, C, H', W').
    """
    x, y = x.flatten(2).transpose(1, 2), y.flatten(2).transpose(1, 2)
    centre = y.mean(1, keepdim=True)
    cosine = _unit(x - centre) @ _unit(y - centre).transpose(1, 2)
    nearest = 1 - cosine.amax(2, keepdim=True)
    # (1 - d / d_min) / h but for what a row's similarities have in common: softmax divides it out
    similarity = (cosine * ((nearest + EPSILON) * bandwidth).reciprocal()).softmax(2)
    return similarity.amax(1).mean(1)


def _unit(rows: Tensor) -> Tensor:
    """Vectors along the last axis brought to unit length; of almost none they stay short."""
    return rows * rows.square().sum(-1, keepdim=True).clamp_min(LEAST_SQUARE).rsqrt()
