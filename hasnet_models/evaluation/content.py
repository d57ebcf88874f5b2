"""Content preservation, which the paper leaves to its user study: how much of the source is kept.

`perceptual_distance` is LPIPS (Zhang et al. 2018) without its learned weights. `ssim_outside` is
the structural similarity of lightness outside the face, where an avatar should change nothing but
colours and the medium.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.evaluation.extra import torchmetrics
from hasnet_models.opencv import cv2
from hasnet_models.topology.appearance import face_mask
from hasnet_models.topology.mean_face import mean_face

LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2")


def perceptual_distance(result: Mapping[str, Tensor], source: Mapping[str, Tensor]) -> float:
    """The mean over `LAYERS` of the squared distance of features whose channels have length 1.

    Args:
        result, source: VGG features (1, C, H, W) by layer.

    Returns:
        0..2; 0 for the same picture.
    """
    each = [_unit(result[layer]).sub(_unit(source[layer])).square().sum(1) for layer in LAYERS]
    return float(torch.stack([distance.mean() for distance in each]).mean())


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features, dim=1, eps=1e-6)


def ssim_outside(
    result: NDArray[np.uint8], source: NDArray[np.uint8], points: NDArray | None
) -> float:
    """SSIM of L of Lab, averaged over what is not the face; 1 for the same picture.

    Args:
        result, source: uint8 (S, S, 3).
        points: the source's mesh (468, 2 or more); None for that of a mean face.

    Raises:
        UsageError: torchmetrics is not installed.
    """
    ssim = torchmetrics("functional.image").structural_similarity_index_measure
    _, each = ssim(_lightness(result), _lightness(source), data_range=100.0, return_full_image=True)
    outside = 1 - face_mask(mean_face() if points is None else points, len(source))
    return float((each[0, 0].numpy() * outside).sum() / outside.sum())


def _lightness(rgb: NDArray[np.uint8]) -> Tensor:
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return torch.from_numpy(np.ascontiguousarray(lab[..., 0]))[None, None]
