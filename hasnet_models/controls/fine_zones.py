"""Zones of a photo to the pixel.

A user who dyes the hair wants neither ears nor neck dyed, and long hair to its ends. So what
`topology.by_colour` tells apart is brought to the photo's edges by a guided filter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.face.matte import guided
from hasnet_models.opencv import cv2
from hasnet_models.topology.by_colour import BROW_STEP, Heights, above, told_apart
from hasnet_models.topology.zones import ZONES, zone_maps

SIDE = 256

_WORK = 128  # side at which colours are told apart
_LIDS = (0.35, 0.7)  # values of the soft zone of the eyes that are lids, and the eye itself
_RADIUS, _EPS = 0.015, 1e-3  # of the guided filter
_SKIN, _, _EYES, _HAIR, _, _ = range(len(ZONES))


def fine_zones(
    rgb: NDArray[np.uint8], points: ArrayLike | None, person: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """The zones of a picture, to the pixel.

    Unlike those of `topology.zones`, skin is with ears and neck, hair with brows and fringe and to
    its ends below the chin; eyes are what lies between the lids.

    Args:
        rgb: uint8 (S, S, 3), the aligned crop.
        points: its mesh (468, 3); None is the mean face.
        person: float32 (S, S) 0..1, or None, as for `zone_maps`.

    Returns:
        float32 (6, 256, 256), in the order of `ZONES`, 0..1, summing to 1.

    Raises:
        ValueError: points are not finite.
    """
    coarse = zone_maps(points, person, _WORK // 2)
    zones = np.stack([cv2.resize(zone, (_WORK, _WORK)) for zone in coarse])
    zones = between_lids(told_apart(rgb, zones, points), points)
    guide = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    sharp = guided(zones, guide, _RADIUS, _EPS).clip(0, 1)
    return sharp / np.maximum(sharp.sum(0), 1e-6)


def between_lids(zones: NDArray, points: ArrayLike | None) -> NDArray:
    """Zones (6, H, H) whose eyes are without brows, which become hair, and without lids, skin."""
    found = zones.copy()
    brows = found[_EYES] * above(Heights.of(points).between, BROW_STEP, zones.shape[1])
    rest = found[_EYES] - brows
    found[_EYES] = rest * ((rest - _LIDS[0]) / (_LIDS[1] - _LIDS[0])).clip(0, 1)
    found[_SKIN] += rest - found[_EYES]
    found[_HAIR] += brows
    return found
