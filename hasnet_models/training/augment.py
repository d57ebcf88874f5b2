"""Augmentation of what the discriminator sees, the same in kind for real and generated images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def translate(images: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Shift each image by up to ``share`` of its side (DiffAugment, Zhao 2020), edges mirrored.

    Args:
        images: (B, C, S, S).
    """
    side = images.shape[-1]
    reach = int(side * share)
    if not reach:
        return images
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    moves = rng.integers(0, 2 * reach + 1, (len(images), 2)).tolist()
    return torch.stack(
        [p[:, y : y + side, x : x + side] for p, (y, x) in zip(padded, moves, strict=True)]
    )
