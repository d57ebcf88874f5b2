"""Cuts: two frames in a row that are of two shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hasnet_models.opencv import cv2

_SIZE = (64, 36)
_BINS = 8
_OTHER_COLOURS = 0.4  # Bhattacharyya distance of the histograms
_OTHER_PLACES = 18.0  # mean difference of the small pictures; a flash in place has less shape


@dataclass
class CutDetector:
    """Tells cuts by colours and their places: a change of light changes only the one.

    Attributes:
        before: the last frame, small, uint8 (36, 64, 3); None before the first.
    """

    before: NDArray[np.uint8] | None = None

    def step(self, rgb: NDArray[np.uint8]) -> bool:
        """Whether a frame (H, W, 3) begins another shot than the last; the first one does."""
        small = cv2.resize(rgb, _SIZE, interpolation=cv2.INTER_AREA)
        before, self.before = self.before, small
        return before is None or _is_cut(before, small)


def _is_cut(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> bool:
    a, b = (_histogram(one) for one in (before, now))
    if cv2.compareHist(a, b, cv2.HISTCMP_BHATTACHARYYA) < _OTHER_COLOURS:
        return False
    # without the mean, which a lamp that is switched on changes
    a, b = (one.astype(np.float32) - one.mean() for one in (before, now))
    return float(np.abs(a - b).mean()) > _OTHER_PLACES


def _histogram(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    bins, span = [_BINS] * 3, [0, 256] * 3
    found = cv2.calcHist([small], [0, 1, 2], None, bins, span)
    return cv2.GaussianBlur(found.reshape(_BINS, -1), (3, 3), 0)  # a step of light is no jump
