"""Pictures of a batch of tensors, for preview sheets."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def to_bytes(images: Tensor) -> np.ndarray:
    """(B, 3, H, W) in -1..1 -> uint8 (B, H, W, 3)."""
    scaled = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round()
    return scaled.permute(0, 2, 3, 1).byte().cpu().numpy()
