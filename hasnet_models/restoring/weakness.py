"""How weak a face is: its effective side, the px a side that what is seen of it would need.

A face that fills 60 px of its photo cannot hold more than 60 px; one that fills 300 but is blurred
holds less than it has. The effective side is the smaller of the two: the side of the frame in the
photo, and the smallest side to which the face can be reduced and brought back with next to no loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import CROP_SIZE, scale_of
from hasnet_models.opencv import cv2

LOSS = 0.06  # share of a face's contrast from which something is lost that was there
_SIDES = (16, 24, 32, 48, 64, 96, 128, 192)
_FRAME = 256  # side at which faces are looked at
_FACE = slice(round(0.2 * _FRAME), round(0.8 * _FRAME))  # rows and columns of eyes, nose and mouth
_LEAST_CONTRAST = 2.0  # 0..255, below it there is nothing to be sharp


def effective_side(face: AlignedFace) -> float:
    """The effective side of an aligned face, px; infinite for a plain area, which lacks nothing."""
    sharp = sharp_side(face.crop)
    return sharp if np.isinf(sharp) else min(CROP_SIZE / scale_of(face.matrix), sharp)


def sharp_side(crop: NDArray[np.uint8]) -> float:
    """The side that the sharpness of a crop, uint8 (S, S, 3), would need, 16..256 px.

    Infinite where the crop shows nothing that could be sharp.
    """
    losses = reduction_losses(crop)
    if losses is None:
        return float("inf")
    # the loss falls as the side grows; between two sides it is followed along their logarithms
    ends = np.log([*_SIDES, _FRAME])
    falling = np.minimum.accumulate([*losses, 0.0])
    return float(np.exp(np.interp(-LOSS, -falling, ends)))


def reduction_losses(crop: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """What of a crop's contrast is lost when it is reduced to each of some sides, 0..1.

    None where it has no contrast.
    """
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    shrinking = cv2.INTER_AREA if len(gray) > _FRAME else cv2.INTER_CUBIC
    gray = cv2.resize(gray, (_FRAME, _FRAME), interpolation=shrinking).astype(np.float32)
    contrast = float(gray[_FACE, _FACE].std())
    if contrast < _LEAST_CONTRAST:
        return None
    return np.array([_loss(gray, side) for side in _SIDES]) / contrast


def _loss(gray: NDArray[np.float32], side: int) -> float:
    """The root mean square of what a reduction to a side takes from the middle of a face."""
    small = cv2.resize(gray, (side, side), interpolation=cv2.INTER_AREA)
    back = cv2.resize(small, gray.shape, interpolation=cv2.INTER_CUBIC)
    return float(np.sqrt(np.square((gray - back)[_FACE, _FACE]).mean()))
