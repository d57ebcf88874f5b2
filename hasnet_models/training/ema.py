"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class EMA:
    """Keeps ``net``, a frozen copy of a network that follows it slowly."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Follow ``net``; the first steps follow fast, so that the start is forgotten."""
        decay = min(self.decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(list(self.net.parameters()), list(net.parameters()), 1 - decay)
