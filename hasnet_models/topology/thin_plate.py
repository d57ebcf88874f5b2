"""Thin-plate splines (Bookstein 1989): a smooth map of the plane from scattered points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LAMBDA = 1e-3


@dataclass(frozen=True, eq=False)
class ThinPlate:
    """sum_k weights_k U(|x - centre_k|) + affine (1, x), with U(r) = r^2 log r.

    Attributes:
        centres: float64 (N, 2).
        weights: float64 (N, C).
        affine: float64 (3, C), for 1, x and y.
    """

    centres: NDArray[np.float64]
    weights: NDArray[np.float64]
    affine: NDArray[np.float64]

    def at(self, places: NDArray) -> NDArray[np.float32]:
        """Values (M, C) at places (M, 2)."""
        spots, centres = places.astype(np.float32), self.centres.astype(np.float32)
        values = kernel(spots, centres) @ self.weights.astype(np.float32)
        affine = self.affine.astype(np.float32)
        return values + spots @ affine[1:] + affine[0]


def fit(centres: NDArray, values: NDArray, smoothing: float = LAMBDA) -> ThinPlate:
    """The spline through values (N, C) at centres (N, 2), smoothed.

    Args:
        smoothing: what one unit of a squared gap costs against bending; above 0, so that centres
            may coincide.

    Raises:
        ValueError: all centres lie on one line.
    """
    spots, count = centres.astype(np.float64), len(centres)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = kernel(spots, spots) + smoothing * np.eye(count)
    system[:count, count:] = np.column_stack([np.ones(count), spots])
    system[count:, :count] = system[:count, count:].T
    right = np.zeros((count + 3, values.shape[1]))
    right[:count] = values
    try:
        solution = np.linalg.solve(system, right)
    except np.linalg.LinAlgError as error:
        raise ValueError("the points of the face lie on one line") from error
    return ThinPlate(spots, solution[:count], solution[count:])


def kernel(a: NDArray, b: NDArray) -> NDArray:
    """r^2 log r between points (M, 2) and (N, 2), in their own precision."""
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    np.maximum(squared, 1e-12, out=squared)
    return 0.5 * squared * np.log(squared)
