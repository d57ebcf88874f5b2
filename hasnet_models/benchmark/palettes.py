"""Our palette beside ColorThief's own, on one picture."""

from __future__ import annotations

import io

import numpy as np
from colorthief import MMCQ, ColorThief

from hasnet_models import image_io
from hasnet_models.benchmark.clock import Pair, pair
from hasnet_models.palette import COLOURS, extract, quantize, shrink


def beside_colorthief(rgb: np.ndarray, runs: int) -> dict[str, Pair]:
    """Seconds of ours and of ColorThief's, and how many times longer that takes.

    "picture": as each is called for the 20 colours of a picture; ours looks at all its pixels,
    averaged to 128 px, ColorThief at every tenth. "same pixels": the median cut alone.
    """
    data = image_io.encode(rgb, ".png")
    pixels = shrink(rgb).reshape(-1, 3)
    listed = [tuple(pixel) for pixel in pixels.tolist()]
    return {
        "picture": pair(
            lambda: extract(image_io.read(io.BytesIO(data)).rgb),
            lambda: ColorThief(io.BytesIO(data)).get_palette(COLOURS + 1), runs,
        ),
        "same pixels": pair(
            lambda: quantize(pixels, COLOURS + 1), lambda: MMCQ.quantize(listed, COLOURS + 1), runs
        ),
    }  # fmt: skip
