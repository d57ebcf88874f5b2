"""The mean face: what the shape of every other face is measured from.

`mean_face.safetensors` was made by tools/make_mean_face.py. It holds numbers only: the mean of 800
faces, no picture and no single person.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from hasnet_models.topology.pose import fit_similarity

FILE = Path(__file__).with_name("mean_face.safetensors")


@lru_cache
def mean_face() -> NDArray[np.float64]:
    """(468, 3): frontal, symmetric, where an aligned frame has its face, in fractions of it."""
    return _read("points").astype(np.float64)


@lru_cache
def mirror_points() -> NDArray[np.int64]:
    """(468,): for each point the one that a mirrored face has in its place."""
    return _read("mirror").astype(np.int64)


def _read(name: str) -> NDArray:
    values = load_file(FILE)[name]
    values.flags.writeable = False
    return values


def mirrored(points: NDArray) -> NDArray:
    """Points (..., 468, 3) of the face in the mirrored picture."""
    flipped = points[..., mirror_points(), :].copy()
    flipped[..., 0] = 1 - flipped[..., 0]
    return flipped


def generalised_procrustes(faces: NDArray, rounds: int = 5) -> NDArray[np.float64]:
    """The mean shape of many faces (Gower 1975), by medians, which a few wrong meshes do not move.

    Args:
        faces: (N, 468, 3), N >= 1.
        rounds: of alignment and median.

    Returns:
        float64 (468, 3), of the mean size and at the mean place of the faces, turned as the median.

    Raises:
        ValueError: a face is not finite or lies in one point.
    """
    mean = np.median(faces, axis=0)
    centre, size = mean.mean(0), _size(mean)
    for _ in range(rounds):
        mean = np.median([fit_similarity(face, mean).place(face) for face in faces], axis=0)
        mean = (mean - mean.mean(0)) * (size / _size(mean)) + centre
    return mean


def _size(points: NDArray) -> float:
    return float(np.sqrt(np.square(points - points.mean(0)).sum(1).mean()))
