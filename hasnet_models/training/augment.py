"""Augmentation: what the discriminator sees (alike for real and generated), and of the sources."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.training import distributed

_AFFINE_STREAM = 7
# where a face lies in the FFHQ template, in sides of the picture
FACE_CENTRE, FACE_RADII = (0.5, 0.57), (0.27, 0.36)


def translate(images: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Shift each image by up to ``share`` of its side (DiffAugment, Zhao 2020), edges mirrored.

    Args:
        images: (B, C, S, S).
    """
    side = images.shape[-1]
    reach = int(side * share)
    if not reach:
        return images
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    moves = rng.integers(0, 2 * reach + 1, (len(images) * distributed.world(), 2))
    corners = distributed.share(moves).tolist()
    return torch.stack(
        [p[:, y : y + side, x : x + side] for p, (y, x) in zip(padded, corners, strict=True)]
    )


def relight(images: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Darken the face of each image by a factor of up to exp(-``strength``).

    What is done to real and generated alike, the discriminator cannot tell them apart by: not by
    the tone of the skin, where a domain has only pale faces.

    Args:
        images: (B, 3, S, S) aligned faces in -1..1.
    """
    if not strength:
        return images
    draws = rng.uniform(0, strength, len(images) * distributed.world()).astype(np.float32)
    dark = torch.from_numpy(distributed.share(draws)).to(images.device)[:, None, None, None]
    return (images + 1) * (-dark * face_window(images.shape[-1], images.device)).exp() - 1


@lru_cache
def face_window(side: int, device: torch.device) -> Tensor:
    """About 1 on the face of an aligned picture, 0 far from it, (1, 1, side, side)."""
    line = (torch.arange(side, device=device) + 0.5) / side
    across, down = ((line - c) / r for c, r in zip(FACE_CENTRE, FACE_RADII, strict=True))
    distance = (across.square()[None, :] + down.square()[:, None]).sqrt()
    return ((1 - distance) * 8).sigmoid()[None, None]


def affine(images: Tensor, strength: float, seeds: Sequence[tuple[int, ...]]) -> Tensor:
    """Turn, scale and shift each image a little, edges mirrored.

    A strength of 0.05 means up to 0.05 rad (2.9 degrees), 5 % larger or smaller, and 5 % of the
    side along x and y; 0 gives the images themselves.

    Args:
        images: (B, C, S, S).
        seeds: for each image the non-negative numbers that its map is a pure function of, such as
            (seed, image number).
    """
    if not strength:
        return images
    maps = torch.from_numpy(np.stack([affine_map(strength, seed) for seed in seeds]))
    maps = maps.to(images.device, images.dtype)
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def affine_points(points: np.ndarray, strength: float, seed: Sequence[int]) -> np.ndarray:
    """Where :func:`affine` brings the points (N, 3) of a face, in fractions of the side."""
    if not strength:
        return points
    matrix = affine_map(strength, seed)
    back = np.linalg.inv(matrix[:, :2])
    moved = points * np.sqrt(np.linalg.det(back))
    moved[:, :2] = ((2 * points[:, :2] - 1 - matrix[:, 2]) @ back.T + 1) / 2
    return moved.astype(np.float32)


def affine_map(strength: float, seed: Sequence[int]) -> np.ndarray:
    """The map of :func:`affine` for one image, float32 (2, 3), in halves of its side."""
    draw = np.random.default_rng((_AFFINE_STREAM, *map(int, seed))).uniform(-strength, strength, 4)
    angle, scale = draw[0], np.exp(draw[1])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack((scale * turn, 2 * draw[2:])).astype(np.float32)
