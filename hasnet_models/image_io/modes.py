"""Pillow's modes to 8-bit sRGB: deep greys are scaled, transparency is laid over white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hasnet_models.image_io.colour_profile import to_srgb
from hasnet_models.image_io.photo import over_white


def pixels(
    image: Image.Image, icc: bytes | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """A picture of any mode as sRGB over white, uint8 (H, W, 3).

    Args:
        icc: its colour profile.

    Returns:
        The pixels, and the alpha channel, uint8 (H, W), if it says anything.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        image = _to_8_bit(image)
    alpha = None
    if image.has_transparency_data:
        alpha = np.array(image.convert("RGBA").getchannel("A"))
        # Dropping the alpha channel leaves the colours as they are stored (not premultiplied).
        grey = image.mode in ("L", "LA", "La")
        image = image.convert("RGBA").convert("L" if grey else "RGB")
    rgb = np.array(to_srgb(image, icc))
    if alpha is None or (alpha == 255).all():
        return rgb, None
    return over_white(rgb, alpha), alpha


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale deep greys to 0..255 by the range that the mode stands for.

    I;16 is 0..65535. Mode I has no range of its own: files hold 16 bits in it as a rule, so it is
    0..65535 unless a value is larger, then 0..2**31-1. Floats are 0..1 unless a value is
    larger, then the largest is white. Negative values and NaN are black.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    top = float(values.max())
    if image.mode == "F":
        top = max(1.0, top)
    elif top <= 65535:
        top = 65535.0
    else:
        top = 2.0**31 - 1
    return Image.fromarray((values.clip(0, top) * (255 / top) + 0.5).astype(np.uint8))
