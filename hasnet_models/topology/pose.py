"""The pose of a face: the similarity in three dimensions that brings the mean face to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.topology.points import RIGID


@dataclass(frozen=True, eq=False)
class Pose:
    """x -> scale * rotation @ x + shift.

    Attributes:
        scale: above 0.
        rotation: float64 (3, 3), orthogonal, without reflection.
        shift: float64 (3,), in fractions of the frame.
    """

    scale: float
    rotation: NDArray[np.float64]
    shift: NDArray[np.float64]

    def place(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (..., 3) of the frontal mean frame, in the picture."""
        return self.turn(points) + self.shift

    def turn(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Displacements (..., 3) of the frontal mean frame, as the picture shows them."""
        return self.scale * (np.asarray(vectors, np.float64) @ self.rotation.T)

    def bring_back(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (..., 3) of the picture, in the frontal mean frame."""
        return (np.asarray(points, np.float64) - self.shift) @ self.rotation / self.scale


def fit_similarity(points: ArrayLike, target: ArrayLike) -> Pose:
    """Least-squares similarity without reflection, points (N, 3) to target (N, 3) (Umeyama 1991).

    Raises:
        ValueError: points are not finite, or lie all in one point.
    """
    source, goal = np.asarray(points, np.float64), np.asarray(target, np.float64)
    if not (np.isfinite(source).all() and np.isfinite(goal).all()):
        raise ValueError("the points of the face are not finite")
    x, y = source - source.mean(0), goal - goal.mean(0)
    spread = np.square(x).sum()
    u, sizes, v = np.linalg.svd(y.T @ x)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ v)) or 1])
    scale = (sizes * signs).sum() / max(spread, 1e-12)
    if scale < 1e-6:
        raise ValueError("the points of the face lie all in one point")
    rotation = (u * signs) @ v
    return Pose(float(scale), rotation, goal.mean(0) - scale * rotation @ source.mean(0))


def pose_of(points: ArrayLike, mean: ArrayLike) -> Pose:
    """The pose of a face (468, 3), by the points that no expression moves.

    Raises:
        ValueError: as `fit_similarity`.
    """
    rigid = list(RIGID)
    return fit_similarity(np.asarray(mean)[rigid], np.asarray(points)[rigid])
