"""The vectors that training needs of every face, and which networks they come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from hasnet_models.data.vectors import PALETTES, VectorKind, VectorTable
from hasnet_models.networks import identity
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.weights import files, load

_IDENTITY = "mobilefacenet.safetensors"


def vector_table(device: torch.device) -> VectorTable:
    """The kinds by name, see :mod:`hasnet_models.data.vectors`; one more is one more entry.

    Raises:
        WeightsError: a network's weights are missing or damaged.
    """
    return {"palettes": PALETTES, "z_ids": z_ids(device)}


def z_ids(device: torch.device) -> VectorKind:
    """z_id by the identity network; kept by the sha256 of its weight file."""
    digest = files.sha256_of(files.weight_path(_IDENTITY))
    return VectorKind(digest, "float32", (identity.EMBEDDING_SIZE,), _embedder(device))


def _embedder(device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    """z_id of uint8 (B, S, S, 3) aligned faces as float32 (B, 192), by the identity network."""
    net = load.load_identity().to(device)

    @torch.no_grad()
    def embed(faces: np.ndarray) -> np.ndarray:
        return identity.embed(net, to_tensor(faces, device)).cpu().numpy()

    return embed
