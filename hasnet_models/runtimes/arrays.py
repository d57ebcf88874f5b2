"""Between uint8 pictures and the planes of the operations: 0..255 is -1..1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hasnet_models.opencv import cv2
from hasnet_models.runtimes.contract import Pixels, Planes


def stacked(arrays: Sequence[np.ndarray]) -> Planes:
    """Arrays of one shape, float32 with one more dimension in front."""
    return np.stack(arrays).astype(np.float32, copy=False)


def from_pixels(pictures: Pixels) -> Planes:
    """Pictures, uint8 (B, H, W, 3) -> float32 (B, 3, H, W) in -1..1."""
    return np.ascontiguousarray((pictures / np.float32(127.5) - 1).transpose(0, 3, 1, 2))


def to_pixels(planes: Planes) -> Pixels:
    """float32 (B, C, H, W), clamped to -1..1 -> uint8 (B, H, W, C), contiguous."""
    scaled = np.clip(planes, -1, 1)
    scaled += 1
    scaled *= np.float32(127.5)
    levels = np.rint(scaled, out=scaled).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))


def brought_to(planes: Planes, side: int) -> Planes:
    """Planes (B, C, s, s) resized bilinearly to (B, C, side, side)."""
    if planes.shape[-1] == side:
        return planes
    flat = planes.reshape(-1, *planes.shape[-2:])
    resized = [cv2.resize(one, (side, side), interpolation=cv2.INTER_LINEAR) for one in flat]
    return np.stack(resized).reshape(*planes.shape[:2], side, side)
