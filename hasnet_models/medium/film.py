"""Photographic film: light that spreads in it, and grain.

Halation is light that passes the emulsion and comes back around bright places; grain is strongest
in the mid-tones, where about half of the crystals are developed (Newson, Delon and Galerne, "A
stochastic film grain model for resolution-independent rendering", 2017).
"""

from __future__ import annotations

import numpy as np

from hasnet_models.medium.scale import UNIT, Field, blur, noise

_LAYER = 90


def halation(rgb: Field, side: float, width: float) -> Field:
    """Light spread around bright places, float32 (H, W, 3); `width` in 1/512 of the side."""
    return blur(rgb * rgb, width * side / UNIT)


def grain(shape: tuple[int, int], side: float, size: float, seed: int) -> Field:
    """Grain of crystals `size` / 512 of the side and of clumps thrice as large.

    Returns:
        float32 (H, W), mean 0, deviation 1 where a crystal is at least a pixel; it averages out
        in a smaller picture, as a small print shows none.
    """
    fine = noise(shape, side, size / UNIT, seed, _LAYER)
    clumps = noise(shape, side, 3 * size / UNIT, seed, _LAYER + 1)
    return np.float32(0.8) * fine + np.float32(0.35) * clumps


def exposed(gray: Field) -> Field:
    """How strongly grain shows at each lightness: most in the mid-tones, 0..1."""
    return np.float32(4) * gray * (1 - gray) * np.float32(0.75) + np.float32(0.25)


def corners(shape: tuple[int, int]) -> Field:
    """Fall of light towards the corners, float32 (H, W): 0 in the middle, 1 in a corner."""
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) ** 2 / 2 for length in shape)
    return (y[:, None] + x[None]) ** 2
