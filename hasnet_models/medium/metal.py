"""Polished metal: a mirror of a bright above and a dark below, and broad highlights.

The lightness of a lit form stands for how far it turns to the light, and a curve over it for what
the metal mirrors there, as in Sloan, Martin, Gooch and Gooch, "The lit sphere" (Graphics Interface
2001). Highlights take the metal's own colour (Cook and Torrance, "A reflectance model for computer
graphics", 1982).
"""

from __future__ import annotations

import numpy as np

from hasnet_models.medium.scale import UNIT, Field, blur, luma, smoothstep, spread


def mirrored(gray: Field, level: float, amount: float) -> Field:
    """What to add to a lit form's lightness so that the surface mirrors, float32 (H, W).

    Lights and darks near the form's own level are driven apart, as polish does; the far ones are
    left, so that nothing burns out.

    Args:
        gray: lightness of the form, float32 (H, W), 0..1.
        level: its mean.
        amount: 0 leaves it, 1 is polished.
    """
    offset = np.clip((gray - np.float32(level)) * np.float32(1.7), -0.5, 0.5)
    wave = np.sin(np.float32(2 * np.pi) * offset)
    return np.float32(0.08 * amount) * (wave - np.float32(0.35) * np.abs(wave))


def deepened(rgb: Field, amount: float) -> Field:
    """The same lightness with more colour in the darks, where light met the metal twice.

    Args:
        rgb: float32 (H, W, 3).
        amount: 0 leaves it.
    """
    gray = np.maximum(luma(rgb), np.float32(0.02))
    power = np.float32(1) + np.float32(amount) * np.clip(1 - gray, 0, 1)
    deep = np.maximum(rgb * spread(1 / gray), np.float32(1e-3)) ** spread(power)
    return deep * spread(gray / np.maximum(luma(deep), np.float32(1e-3)))


def highlights(gray: Field, side: float, width: float) -> Field:
    """Where a broad highlight lies, float32 (H, W), 0..1.

    Args:
        gray: float32 (H, W), 0..1.
        side: px.
        width: of a highlight, in 1/512 of the side; anything finer, a wrinkle, gets none.
    """
    sigma = width * side / UNIT
    soft = blur(gray, sigma)
    above = soft - blur(soft, 3.0 * sigma)
    return smoothstep(above, 0.02, 0.11)
