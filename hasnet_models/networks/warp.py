"""Pictures sampled through a flow: a shape laid on X_RT, and TT-Net's learned displacement."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.networks.rt_net import bring_to


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample a picture where a flow points.

    Args:
        image: (B, C, S, S).
        flow: (B, 2, h, w), x then y in fractions of the frame: a cell of the result shows what lies
            that far from it. The values stand at the cells' middles, between them it is bilinear.
            ``topology.flow`` gives such flows; an identity is all 0.

    Returns:
        (B, C, S, S); beyond the frame its border is repeated.
    """
    line = centres(image.shape[-1], image)
    # the sampler's frame is -1..1, two units wide
    x, y = (bring_to(way, image)[:, 0] for way in (2 * flow).split(1, 1))
    grid = torch.stack((line + x, line[:, None] + y), -1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=False)


def centres(side: int, like: Tensor) -> Tensor:
    """Where the middles of a side's pixels are in the sampler's frame -1..1, (side,)."""
    return (2 * torch.arange(side, device=like.device, dtype=like.dtype) + 1) / side - 1
