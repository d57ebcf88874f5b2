"""Pillow's modes to 8-bit sRGB: deep greys are scaled, transparency is laid over white."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hasnet_models.image_io.colour_profile import to_srgb
from hasnet_models.image_io.photo import over_white

_ROWS = 512  # scaled at once: as float64 a deep grey takes four times its memory


@dataclass(frozen=True)
class Depth:
    """What the numbers of a deep grey stand for, where its file says more than its mode.

    Attributes:
        bits: of a sample; None where the file does not say.
        white_is_zero: whether they count from white to black.
    """

    bits: int | None = None
    white_is_zero: bool = False


def pixels(
    image: Image.Image, icc: bytes | None, depth: Depth = Depth()
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """A picture of any mode as sRGB over white, uint8 (H, W, 3).

    Args:
        icc: its colour profile.
        depth: of a deep grey.

    Returns:
        The pixels, and the alpha channel, uint8 (H, W), if it says anything.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        image = _to_8_bit(image, depth)
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


def _to_8_bit(image: Image.Image, depth: Depth) -> Image.Image:
    """Scale deep greys to 0..255 by the range that the mode stands for.

    I;16 is 0..65535, or 0..4095 where the file has 12 bits. Mode I has no range of its own: files
    hold 16 bits in it as a rule, so it is 0..65535 unless a value is larger, then 0..2**31-1.
    Floats are 0..1 unless a value is larger, then the largest is white. Negative values and NaN
    are black.
    """
    values = np.asarray(image)
    top = _white(values, image.mode, depth)
    grey = np.empty(values.shape, np.uint8)
    for first in range(0, len(values), _ROWS):
        rows = slice(first, first + _ROWS)
        part = _finite(values[rows]).clip(0, top) * (255 / top)
        grey[rows] = (255 - part if depth.white_is_zero else part) + 0.5
    return Image.fromarray(grey)


def _white(values: NDArray, mode: str, depth: Depth) -> float:
    """The number that is the other end of the range than 0."""
    if mode.startswith("I;16"):
        return 4095.0 if depth.bits == 12 else 65535.0
    blocks = range(0, len(values), _ROWS)
    top = max(float(_finite(values[first : first + _ROWS]).max()) for first in blocks)
    if mode == "F":
        return max(1.0, top)
    return 65535.0 if top <= 65535 else 2.0**31 - 1


def _finite(values: NDArray) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
