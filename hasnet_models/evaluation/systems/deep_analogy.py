"""Deep analogy (Liao et al. 2017): patches of the reference in the order of the source's features.

From coarse to fine, each place of the source is matched to the place of the reference whose
features, each channel brought to mean 0 and deviation 1, are most alike; the picture is what the
matched patches of the reference agree on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.evaluation.inputs import Sample
from hasnet_models.evaluation.systems.feature_space import SIDE, normalised
from hasnet_models.face.align import resized
from hasnet_models.networks.tensors import to_pixels, to_tensor
from hasnet_models.weights.load import load_vgg

LAYERS = ("relu4_1", "relu3_1", "relu2_1")
REACH = 2  # places around the coarser match that are looked at on a finer level
_PATCH = 3
# pixels around each that have a say in it
VOTES = 3


class DeepAnalogy:
    """One direction, exact on the coarsest level; fine levels look near the coarser match."""

    name = "Deep analogy"
    note = (
        "Deep analogy: source to reference alone, not both ways; matches of 3x3 patches at "
        "relu4_1 (exact), relu3_1 and relu2_1 (5x5 places around the coarser match), no blending "
        "of features between levels."
    )

    def open(self, samples: Sequence[Sample]) -> None:
        self.vgg = load_vgg(last=LAYERS[0])

    @torch.inference_mode()
    def make(self, sample: Sample) -> np.ndarray:
        """uint8 (256, 256, 3)."""
        a, b = (to_tensor(resized(x, SIDE)[None]) for x in (sample.source, sample.reference))
        of_a, of_b = (
            {name: normalised(x) for name, x in self.vgg(picture, LAYERS).items()}
            for picture in (a, b)
        )
        field = nearest(of_a[LAYERS[0]], of_b[LAYERS[0]])
        for layer in LAYERS[1:]:
            field = refined(enlarged(field), of_a[layer], of_b[layer])
        while len(field) < SIDE:
            field = enlarged(field)
        return to_pixels(voted(field, b))[0]


def nearest(a: Tensor, b: Tensor) -> Tensor:
    """For each place of `a` the place (row, column) of the most similar patch of `b`.

    Args:
        a, b: (1, C, S, S).

    Returns:
        int64 (S, S, 2).
    """
    best = (_patches(a).T @ _patches(b)).argmax(1)
    side = a.shape[-1]
    return torch.stack([best // side, best % side], 1).view(side, side, 2)


def enlarged(field: Tensor) -> Tensor:
    """The same matches on a grid of twice the side."""
    double = field.repeat_interleave(2, 0).repeat_interleave(2, 1) * 2
    corner = torch.arange(len(double)) % 2
    return double + torch.stack(torch.meshgrid(corner, corner, indexing="ij"), 2)


def refined(field: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The best match of each place among those within `REACH` of the one it has."""
    side = a.shape[-1]
    own, other = (F.normalize(x[0].flatten(1), dim=0) for x in (a, b))
    best, score = field, torch.full((side, side), -2.0)
    steps = range(-REACH, REACH + 1)
    for shift in ((row, column) for row in steps for column in steps):
        there = (field + torch.tensor(shift)).clamp(0, side - 1)
        index = (there[..., 0] * side + there[..., 1]).flatten()
        like = (own * other[:, index]).sum(0).view(1, 1, side, side)
        like = F.avg_pool2d(like, _PATCH, 1, 1, count_include_pad=False)[0, 0]
        better = like > score
        best = torch.where(better[..., None], there, best)
        score = torch.where(better, like, score)
    return best


def voted(field: Tensor, picture: Tensor) -> Tensor:
    """The mean of what the patches around each pixel bring there of the reference.

    Args:
        field: (S, S, 2).
        picture: (1, 3, S, S), the reference.
    """
    side = len(field)
    total = torch.zeros_like(picture)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    steps = range(-VOTES, VOTES + 1)
    shifts = [(row, column) for row in steps for column in steps]
    for row, column in shifts:
        around = field[(rows + row).clamp(0, side - 1), (columns + column).clamp(0, side - 1)]
        there = (around - torch.tensor((row, column))).clamp(0, side - 1)
        total += picture[:, :, there[..., 0], there[..., 1]]
    return total / len(shifts)


def _patches(features: Tensor) -> Tensor:
    """(C 9, S S): each place with its neighbours, length 1."""
    padded = F.pad(features, (1, 1, 1, 1), mode="replicate")
    return F.normalize(F.unfold(padded, _PATCH)[0], dim=0)
