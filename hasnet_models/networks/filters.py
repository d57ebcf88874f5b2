"""Edge-preserving filters of the kind of He, Sun and Tang's guided filter (2010, 2015)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.networks.rt_net import bring_to

# the flat version is found at most so large, and its window is 3 x 3 for each so many px of a side
FLAT_SIDE, FLAT_CELL = 128, 64


def guided(planes: Tensor, guide: Tensor, eps: float = 0.01) -> Tensor:
    """``planes`` (B, C, s, s) enlarged to ``guide`` (B, 1, S, S) along the guide's edges.

    Guided filter (He, Sun and Tang 2010, the fast form): in each 3 x 3 window the planes are a
    linear function of the guide, found at the small size and applied at the large one; what it
    leaves unexplained is enlarged bilinearly. At equal sizes the planes come back as they are.
    """
    if planes.shape[-1] == guide.shape[-1]:
        return planes
    small = F.adaptive_avg_pool2d(guide, planes.shape[-2:])
    mean, centre = box(planes), box(small)
    slope = (box(planes * small) - mean * centre) / (box(small * small) - centre.square() + eps)
    slope, offset = box(slope), box(mean - slope * centre)
    rest = planes - (slope * small + offset)
    return bring_to(slope, guide) * guide + bring_to(offset + rest, guide)


def flat(x: Tensor, share: float | Tensor = 1.0, eps: float = 0.005, rounds: int = 2) -> Tensor:
    """``x`` (B, 3, S, S) in -1..1 evened out between its edges, which stay as sharp as they are.

    The guided filter with the picture as its own guide and one slope for all colours: a window
    keeps a = var / (var + eps) of what differs from its mean. Slope and mean are found at no more
    than FLAT_SIDE px, so that a picture is flattened alike at any larger size.

    Args:
        share: how far, 0..1, or (B, 1, S, S).
        eps: variance that is halved; much smaller ones vanish, much larger ones stay.
        rounds: how often.
    """
    side = min(x.shape[-1], FLAT_SIDE)
    boxes = max(1, round(side / FLAT_CELL))
    small = F.adaptive_avg_pool2d(x, side)
    slope, offset = torch.ones_like(small[:, :1]), torch.zeros_like(small)
    for _ in range(rounds):
        mean = box(small, boxes)
        variance = (box(small.square(), boxes) - mean.square()).mean(1, keepdim=True).clamp_min(0)
        keep = variance / (variance + eps)
        keep, plain = box(keep, boxes), box((1 - keep) * mean, boxes)
        # the rounds so far, as one linear function of x
        small, slope, offset = keep * small + plain, keep * slope, keep * offset + plain
    return (1 + share * bring_to(slope - 1, x)) * x + share * bring_to(offset, x)


def box(x: Tensor, times: int = 1) -> Tensor:
    """Mean over 3 x 3 windows, edges repeated, ``times`` in turn, (B, C, H, W)."""
    for _ in range(times):
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x
