"""Where and how strongly a photo takes the user's colours: zone maps and a change of lightness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hasnet_models.controls.zone_choice import ZoneColour, kept_zones
from hasnet_models.lab import to_lab
from hasnet_models.opencv import cv2
from hasnet_models.topology.zone_names import ZONES

LIFT = 0.6  # of the way from a zone's mean lightness to that of its colour
_SMALLEST = 0.0005  # share of the picture from which a zone has a mean lightness


def dyed_zones(
    coarse: NDArray[np.float32], fine: NDArray[np.float32], colours: Sequence[ZoneColour]
) -> NDArray[np.float32]:
    """Zone maps for RT-Net: to the pixel where the user chose a colour, else as they were.

    Args:
        coarse: (6, h, w), those of the face; summing to 1.
        fine: (6, H, W), see `fine_zones`; they also fill what the coarse ones leave open.

    Returns:
        float32 (6, H, W), summing to 1.
    """
    size = fine.shape[:0:-1]
    wished = [ZONES.index(one.zone) for one in colours]
    others = np.stack([cv2.resize(zone, size) for zone in coarse]) + 1e-3 * fine + 1e-6
    others[wished] = 0
    total = np.maximum(others.sum(0), 1e-9)
    found = others / total * (1 - fine[wished].sum(0)).clip(0, 1)
    found[wished] = fine[wished]
    return (found / found.sum(0)).astype(np.float32)


def lift(
    rgb: NDArray[np.uint8], fine: NDArray[np.float32], colours: Sequence[ZoneColour]
) -> NDArray[np.float32]:
    """How much lighter a photo is to be made before it is coloured, in L of Lab.

    Each zone moves as a whole, `LIFT` of the way to its colour, so that its shades stay: black
    hair can become fair, and keeps its curls.

    Args:
        rgb: uint8 (S, S, 3), the aligned crop.
        fine: (6, H, W), see `fine_zones`.

    Returns:
        float32 (H, W), -100..100.
    """
    size = fine.shape[:0:-1]
    light = to_lab(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))[..., 0]
    found = np.zeros_like(light)
    for one in colours:
        zone = fine[ZONES.index(one.zone)]
        inside = zone * zone
        if inside.mean() >= _SMALLEST:
            mean = float((light * inside).sum() / inside.sum())
            found += LIFT * (float(to_lab(one.colour)[0]) - mean) * zone
    return found


def kept(fine: NDArray[np.float32], keep: Sequence[str]) -> NDArray[np.float32]:
    """How much of each pixel keeps the photo's own colours: float32 (H, W), 0..1."""
    return fine[list(kept_zones(keep))].sum(0).clip(0, 1)
