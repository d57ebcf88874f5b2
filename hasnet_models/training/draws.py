"""Random draws that all processes agree on, and choices of faces in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hasnet_models.data.faces import FaceSet
from hasnet_models.training import distributed


def one_of(rng: np.random.Generator, members: Sequence[int]) -> int:
    """One of them, each as likely, at a cost that does not grow with their number.

    The same one that ``rng.choice`` would take, which first copies all of a list.
    """
    return members[rng.integers(len(members))]


def own_uniform(rng: np.random.Generator, batch: int) -> np.ndarray:
    """Uniform numbers for this process's rows, out of those of the joint batch."""
    return distributed.share(rng.random(batch * distributed.world()))


def faces_in_turn(faces: FaceSet, count: int, only: str | None = None) -> list[int]:
    """``count`` faces, going through the domains (or one domain) in turn."""
    pools = [faces.by_domain[only]] if only in faces.by_domain else list(faces.by_domain.values())
    deep = max(len(p) for p in pools)
    in_turn = [p[k] for k in range(deep) for p in pools if k < len(p)]
    return in_turn[:count]


def seed_torch(seed: int) -> None:
    """Seed torch's own generators, differently in each process (the noise of StyledConv)."""
    torch.manual_seed(seed + distributed.rank())
