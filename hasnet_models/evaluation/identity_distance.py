"""ID x10: how far the result's identity is from the reference's (paper, section 4.6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FACTOR = 10.0


def identity_distance(result: NDArray, reference: NDArray) -> float:
    """Ten times 1 - cosine of two z_ids of one network, 0..20; 0 for the same.

    Args:
        result, reference: (D,), of any length.
    """
    lengths = np.linalg.norm(result) * np.linalg.norm(reference)
    return FACTOR * (1 - float(result @ reference / lengths))
