"""Tone drawn with strokes: more pigment where a stroke passes and the ground stands high.

Tone and stroke layers as in Praun, Hoppe, Webb and Finkelstein, "Real-time hatching" (SIGGRAPH
2001) and Lu, Xu and Jia, "Combining sketch and tone for pencil drawing production" (NPAR 2012);
the strokes are line integral convolutions, so their number needs no textures. Layers of pigment
multiply what they let through (Beer and Lambert): white stays white, and black closes up.
"""

from __future__ import annotations

import numpy as np

from hasnet_models.medium.scale import Field

_BLACK = 0.985


def deposit(tone: Field, texture: Field, contrast: Field | float) -> Field:
    """Share of the light that the pigment takes, 0..1.

    Args:
        tone: that share on an even ground, float32 (H, W), 0..1.
        texture: strokes and tooth, float32 (H, W), mean 0, deviation 1.
        contrast: 0 an even tone, 1 hard strokes with bare ground between; the darker the tone,
            the less bare ground there is.
    """
    amount = contrast * (np.float32(1.6) - np.float32(1.0) * tone)
    share = np.maximum(1 + amount * np.tanh(texture), np.float32(0.05))
    return 1 - np.exp(np.log1p(-np.minimum(tone, np.float32(_BLACK))) * share)


def layered(tone: Field, first: Field, second: Field, edge: Field) -> Field:
    """Strokes of two directions: the second one where the tone is dark and no edge leads.

    Args:
        tone: float32 (H, W), 0..1.
        first, second: stroke fields, float32 (H, W), mean 0, deviation 1.
        edge: how clearly the first has a direction, float32 (H, W), 0..1.

    Returns:
        float32 (H, W), mean 0, deviation near 1.
    """
    crossed = np.clip((tone - np.float32(0.3)) * np.float32(1.6), 0, np.float32(0.55)) * (1 - edge)
    return (first * (1 - crossed) + second * crossed) / np.sqrt(crossed**2 + (1 - crossed) ** 2)
