"""Topology Transfer Module: one convolution whose channels the reference's identity modulates."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hasnet_models.networks.rtm import instance_norm

SLOPE = 0.2
GAIN = math.sqrt(2.0)


class TTM(nn.Module):
    """One TTM (paper Eq. 6).

    ``norm="styled"`` is StyleGAN2's block: scale the input, convolve, scale the output so that
    its expected deviation is one. It keeps the statistics of the content, so the colours of X_RT
    survive. ``norm="adain"`` is Eq. 6 as written: instance norm, then scale and shift.

    With ``upsample`` the convolution runs at the coarse size and its output is enlarged, a
    quarter of the arithmetic of the other order.

    With ``noise`` a training network draws it from torch's generator; one in eval mode has the
    same noise for every picture, that of its ``number``, so that a picture is always the same.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        w_dim: int,
        *,
        norm: str,
        noise: bool,
        upsample: bool,
        number: int = 0,
    ) -> None:
        super().__init__()
        self.norm, self.upsample, self.number = norm, upsample, number
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = 1 / math.sqrt(inputs * 9)
        self.style = nn.Linear(w_dim, inputs if norm == "styled" else 2 * outputs)
        nn.init.normal_(self.style.weight, std=0.5 / math.sqrt(w_dim))
        nn.init.zeros_(self.style.bias)
        self.noise = nn.Parameter(torch.zeros(())) if noise else None

    def forward(self, h: Tensor, w: Tensor) -> Tensor:
        """(B, Cin, H, W), (B, w_dim) -> (B, Cout, H, W), or twice the side with ``upsample``."""
        h, scale, shift = self._styled(h, w) if self.norm == "styled" else self._adain(h, w)
        # the gain, which leaky ReLU lets through, is put on numbers for each channel
        h = torch.addcmul(GAIN * shift[..., None, None], h, GAIN * scale[..., None, None])
        if self.upsample:
            h = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
        if self.noise is not None:
            h = h + GAIN * self.noise * self._drawn(h)
        return F.leaky_relu(h, SLOPE, inplace=True)

    def _drawn(self, h: Tensor) -> Tensor:
        """Noise for features (B, C, H, W): (B, 1, H, W), in eval mode (1, 1, H, W)."""
        if self.training:
            return torch.randn_like(h[:, :1])
        return torch.from_numpy(fixed_noise(self.number, *h.shape[-2:])).to(h)

    def _styled(self, h: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The convolution (B, Cout, H, W), and what it is scaled and shifted by, ([B,] Cout)."""
        scale = (1 + self.style(w)) * self.gain
        power = self.weight.square().sum((2, 3))
        demod = (scale.square() @ power.t() + 1e-8).rsqrt()
        h = F.conv2d(h * scale[:, :, None, None], self.weight, padding=1)
        return h, demod, self.bias

    def _adain(self, h: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As :meth:`_styled`."""
        scale, shift = self.style(w).chunk(2, 1)
        h = instance_norm(F.conv2d(h, self.weight * self.gain, padding=1))
        return h, 1 + scale, shift + self.bias


@lru_cache
def fixed_noise(number: int, height: int, width: int) -> np.ndarray:
    """Normal noise that these numbers determine, float32 (1, 1, height, width)."""
    rng = np.random.default_rng((number, height, width))
    return rng.standard_normal((1, 1, height, width), np.float32)


class ToOutput(nn.Module):
    """Modulated 1 x 1 convolution from features to output planes, without demodulation."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = scale / math.sqrt(inputs)
        self.style = nn.Linear(w_dim, inputs)
        nn.init.normal_(self.style.weight, std=0.5 / math.sqrt(w_dim))
        nn.init.zeros_(self.style.bias)

    def forward(self, h: Tensor, w: Tensor) -> Tensor:
        """(B, Cin, H, W), (B, w_dim) -> (B, Cout, H, W)."""
        scale = (1 + self.style(w))[:, :, None, None]
        return F.conv2d(h * scale, self.weight * self.gain, self.bias)
