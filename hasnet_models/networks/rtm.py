"""Rendering Transfer Module: structure from the gray picture, colour from the palette."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class RTM(nn.Module):
    """One RTM (paper Eq. 1 to 3).

    Args:
        channels: channels of the features ``h`` that are modulated.
        gray_channels: channels of the encoder features z_G of the same scale.
        palette_dim: length of the palette code z_C.
    """

    def __init__(self, channels: int, gray_channels: int, palette_dim: int) -> None:
        super().__init__()
        self.channels = channels
        self.gray = nn.Conv2d(gray_channels, 2 * channels, 3, padding=1)
        self.colour = nn.Linear(palette_dim, 2 * channels)
        self.attention = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, h: Tensor, z_g: Tensor, z_c: Tensor) -> Tensor:
        """(B, C, H, W), (B, Cg, H, W), (B, D) -> (B, C, H, W)."""
        h = instance_norm(h)
        gamma_g, beta_g = self.gray(z_g).split(self.channels, 1)
        gamma_c, beta_c = self.colour(z_c)[:, :, None, None].split(self.channels, 1)
        g, c = modulate(h, gamma_g, beta_g), modulate(h, gamma_c, beta_c)
        return blend(g, c, self.attention(h).sigmoid())


def instance_norm(h: Tensor, eps: float = 1e-5) -> Tensor:
    """Eq. 1: (h - mu) / sigma over each channel's pixels; a 1 x 1 map is returned as it is."""
    return h if h.shape[-1] * h.shape[-2] == 1 else F.instance_norm(h, eps=eps)


def modulate(h: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Eq. 2: G_I and C_I, gamma * h_I + beta; the layer that gives gamma learns its offset of 1."""
    return (1 + gamma) * h + beta


def blend(g: Tensor, c: Tensor, mask: Tensor) -> Tensor:
    """Eq. 3: G_I * M_G + C_I * M_C with M_C = 1 - M_G, ``mask`` being M_G."""
    return g * mask + c * (1 - mask)
