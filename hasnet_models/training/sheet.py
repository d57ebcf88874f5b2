"""Contact sheets as arrays: pictures in rows and columns on white."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from torch import Tensor


def to_bytes(images: Tensor) -> np.ndarray:
    """(B, 3, H, W) in -1..1 -> uint8 (B, H, W, 3)."""
    scaled = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round()
    return scaled.permute(0, 2, 3, 1).byte().cpu().numpy()


def sheet(rows: Sequence[Sequence[np.ndarray | None]], side: int, gap: int = 2) -> np.ndarray:
    """A sheet of uint8 pictures, each brought to ``side`` px; None leaves a white cell."""
    columns = max(len(row) for row in rows)
    shape = (len(rows) * (side + gap) + gap, columns * (side + gap) + gap, 3)
    out = np.full(shape, 255, np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            if picture is None:
                continue
            top, left = gap + r * (side + gap), gap + c * (side + gap)
            method = cv2.INTER_AREA if picture.shape[0] > side else cv2.INTER_LINEAR
            small = cv2.resize(picture, (side, side), interpolation=method)
            out[top : top + side, left : left + side] = small
    return out
