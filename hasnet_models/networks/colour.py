"""Colour arithmetic on tensors: Lab both ways, and jitter maps that palettes can follow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

REC709 = (0.2126, 0.7152, 0.0722)
REC601 = (0.299, 0.587, 0.114)
# linear sRGB to X, Y and Z, each in shares of the white (D65)
XYZ = (
    (0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505),
    REC709,
    (0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089),
)
RGB = tuple(tuple(row) for row in np.linalg.inv(XYZ).tolist())  # and back
# where the two pieces of sRGB's curve meet; the standard rounds it to 0.04045
SRGB_KNEE = 0.0404482362771


def lightness(rgb: Tensor, dim: int = 1) -> Tensor:
    """L of CIE Lab (D65) of sRGB colours.

    Args:
        rgb: colours in -1..1, three of them along ``dim``.

    Returns:
        L / 50 - 1, so -1 (black) to 1 (white), with ``dim`` kept at size 1.
    """
    return _lightness(weighted(linear(rgb), REC709, dim))


def lightness_of_pixels(pictures: Tensor) -> Tensor:
    """As :func:`lightness`, of uint8 (B, H, W, 3): by a table of the 256 levels; (B, 1, H, W)."""
    levels = torch.arange(256, dtype=torch.float32, device=pictures.device) / 127.5 - 1
    # planes first: onnxruntime is slow along an axis of three
    light = linear(levels)[pictures.permute(0, 3, 1, 2).int()].flatten(2)
    whole = levels.new_tensor([REC709]) @ light
    return _lightness(whole.reshape(-1, 1, *pictures.shape[1:3]))


def _lightness(light: Tensor) -> Tensor:
    return 116 / 50 * compress(light) - (16 / 50 + 1)


def to_lab(rgb: Tensor) -> Tensor:
    """CIE Lab (D65) of sRGB colours, (B, 3, H, W) in -1..1 -> L in 0..100, a and b beside it."""
    light = linear(rgb)
    x, y, z = (compress(weighted(light, row, 1)) for row in XYZ)
    return torch.cat((116 * y - 16, 500 * (x - y), 200 * (y - z)), 1)


def from_lab(lab: Tensor) -> Tensor:
    """The inverse of :func:`to_lab`; what sRGB cannot show is clamped to -1..1 a channel."""
    top, a, b = lab.split(1, 1)
    y = (top + 16) / 116
    xyz = expand(torch.cat((y + a / 500, y, y - b / 200), 1))
    rgb = torch.cat([weighted(xyz, row, 1) for row in RGB], 1).clamp(0, 1)
    gamma = _straight_below(rgb, SRGB_KNEE / 12.92, 12.92, lambda c: 1.055 * c ** (1 / 2.4) - 0.055)
    return gamma * 2 - 1


def linear(rgb: Tensor) -> Tensor:
    """Linear light 0..1 of sRGB colours in -1..1, of any shape."""
    s = ((rgb + 1) / 2).clamp(0, 1)
    return _straight_below(s, SRGB_KNEE, 1 / 12.92, lambda c: ((c + 0.055) / 1.055) ** 2.4)


def compress(y: Tensor) -> Tensor:
    """CIE's f: cube root of light 0..1, straight near black."""
    return _straight_below(y, 216 / 24389, 24389 / 27 / 116, lambda c: c ** (1 / 3))


def expand(f: Tensor) -> Tensor:
    """The inverse of :func:`compress`."""
    return _straight_below(f, 6 / 29, 116 * 27 / 24389, lambda c: c**3)


def _straight_below(
    x: Tensor, knee: float, slope: float, curve: Callable[[Tensor], Tensor]
) -> Tensor:
    """A curve, with a straight line in place of it below its knee, where they meet.

    As a sum: to choose between two values for each pixel takes a processor longer than both.
    """
    return curve(x.clamp_min(knee)) + slope * (x.clamp_max(knee) - knee)


def luma(rgb: Tensor, dim: int = 1) -> Tensor:
    """Rec. 601 luma of gamma-coded colours, in their own range, ``dim`` kept at size 1."""
    return weighted(rgb, REC601, dim)


def weighted(rgb: Tensor, weights: tuple[float, float, float], dim: int) -> Tensor:
    """Sum of the three components along ``dim`` by ``weights``, ``dim`` kept at size 1."""
    factors = rgb.new_tensor(weights).view(3, *[1] * (rgb.ndim - 1 - dim))
    return (rgb * factors).sum(dim, keepdim=True)


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
