"""Pictures sampled through a flow: a shape laid on X_RT, and TT-Net's learned displacement."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.networks.rt_net import bring_to


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample ``image`` (B, C, S, S) where ``flow`` (B, 2, h, w; half frames, x then y) points."""
    s = image.shape[-1]
    line = torch.linspace(-1 + 1 / s, 1 - 1 / s, s, device=image.device, dtype=image.dtype)
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
    grid = grid + bring_to(flow, image).permute(0, 2, 3, 1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=False)
