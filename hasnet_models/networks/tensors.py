"""Between uint8 arrays and the networks' tensors: 0..255 is -1..1."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

CPU = torch.device("cpu")


def to_signed(values: np.ndarray, device: torch.device = CPU) -> Tensor:
    """uint8 of any shape, such as palettes -> float32 of the same shape in -1..1."""
    return signed(torch.from_numpy(np.ascontiguousarray(values)).to(device))


def to_tensor(pictures: np.ndarray, device: torch.device = CPU) -> Tensor:
    """Pictures, uint8 or float (B, H, W, 3) in 0..255 -> float32 (B, 3, H, W) in -1..1."""
    return from_pixels(torch.from_numpy(np.ascontiguousarray(pictures)).to(device))


def signed(values: Tensor) -> Tensor:
    """As :func:`to_signed`, of a tensor."""
    return values.float() / 127.5 - 1


def from_pixels(pictures: Tensor) -> Tensor:
    """As :func:`to_tensor`, of a tensor."""
    return signed(pictures.permute(0, 3, 1, 2))


def to_pixels(images: Tensor) -> np.ndarray:
    """(B, 3, H, W), clamped to -1..1 -> uint8 (B, H, W, 3), contiguous."""
    scaled = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().byte()
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).cpu().numpy())
