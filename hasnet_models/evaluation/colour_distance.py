"""Color x10: how far the result's first 20 colours are from the reference's (section 4.6).

The paper does not say how two palettes are compared. Here: for each colour of one palette the
distance in sRGB to the nearest of the other, averaged over the 20 and over both directions, in
shares of the cube's diagonal; 0 for the same colours in any order, 1 for black and white.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.palette import distance, extract

FACTOR = 10.0


def colour_distance(result: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
    """Ten times the distance of two pictures' palettes, 0..10.

    Args:
        result, reference: uint8 (H, W, 3).
    """
    return FACTOR * distance(extract(result), extract(reference))
