"""Colour arithmetic on tensors: the L channel of Lab and jitter maps that palettes can follow."""

from __future__ import annotations

import torch
from torch import Tensor

REC709 = (0.2126, 0.7152, 0.0722)
REC601 = (0.299, 0.587, 0.114)


def lightness(rgb: Tensor, dim: int = 1) -> Tensor:
    """L of CIE Lab (D65) of sRGB colours.

    Args:
        rgb: colours in -1..1, three of them along ``dim``.

    Returns:
        L / 50 - 1, so -1 (black) to 1 (white), with ``dim`` kept at size 1.
    """
    s = ((rgb + 1) / 2).clamp(0, 1)
    linear = torch.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    y = weighted(linear, REC709, dim)
    f = torch.where(y > 216 / 24389, y.clamp_min(1e-8) ** (1 / 3), (24389 / 27 * y + 16) / 116)
    return (116 * f - 16) / 50 - 1


def luma(rgb: Tensor, dim: int = 1) -> Tensor:
    """Rec. 601 luma of gamma-coded colours, in their own range, ``dim`` kept at size 1."""
    return weighted(rgb, REC601, dim)


def weighted(rgb: Tensor, weights: tuple[float, float, float], dim: int) -> Tensor:
    """Sum of the three components along ``dim`` by ``weights``, ``dim`` kept at size 1."""
    r, g, b = rgb.unbind(dim)
    return (weights[0] * r + weights[1] * g + weights[2] * b).unsqueeze(dim)


def jitter(rgb: Tensor, hue: Tensor, saturation: Tensor, gamma: Tensor, dim: int = 1) -> Tensor:
    """Colour jitter as a pixel-wise map, so that a palette can be moved by the same map.

    Args:
        rgb: (B, ...) colours in -1..1, three of them along ``dim``.
        hue: (B,) rotation about the grey axis in radians.
        saturation: (B,) factor on the distance from the grey axis.
        gamma: (B,) exponent on 0..1.
    """
    shape = [-1] + [1] * (rgb.ndim - 1)
    grey = luma(rgb, dim)
    r, g, b = (rgb - grey).unbind(dim)
    # Rodrigues' rotation of the chroma vector about (1, 1, 1) / sqrt(3)
    cos, sin = hue.cos().view(shape), hue.sin().view(shape) / 3**0.5
    chroma = torch.stack((r, g, b), dim)
    turned = torch.stack((b - g, r - b, g - r), dim)
    along = chroma.mean(dim, keepdim=True) * (1 - cos)
    chroma = chroma * cos + turned * sin + along
    mixed = ((grey + chroma * saturation.view(shape) + 1) / 2).clamp(0, 1)
    return mixed ** gamma.view(shape) * 2 - 1
