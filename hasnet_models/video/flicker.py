"""How much a drawn clip flickers: what changes from frame to frame beyond the movement.

Each frame is compared with the one before, warped by the optical flow of the source (OpenCV's DIS,
Kroeger et al. 2016), where that flow explains the source: the warping error of Lai et al.,
"Learning Blind Video Temporal Consistency" (2018), on gray levels. The source's own error, of noise
and light, is what it is measured by. Where the source is flat nothing says how it moves, and
nothing is measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hasnet_models.opencv import cv2
from hasnet_models.video.steadying import fetched, flow_to

_DRAWN = 3  # gray levels by which a pixel differs from the source where it is drawn
_TEXTURE = 1.0  # gray levels a px, the least slope of the source around a pixel
_EXPLAINED = 1.0  # px that there and back again may miss by
_CUT = 30.0  # mean change of a source from which two frames are of two shots


@dataclass(frozen=True)
class Flicker:
    """Mean changes between frames that movement does not explain, in gray levels.

    Attributes:
        drawn, source: of the drawn clip and of its source, over the same pixels.
    """

    drawn: float
    source: float

    @property
    def ratio(self) -> float:
        """Of the drawn clip's to the source's."""
        return self.drawn / max(self.source, 1e-6)


def measure(
    source: Iterable[NDArray[np.uint8]], drawn: Iterable[NDArray[np.uint8]]
) -> Flicker:
    """The flicker where something is drawn.

    Args:
        source, drawn: frames uint8 (H, W, 3), as many and as large; two are held at once.
    """
    errors, count = np.zeros(2), 0.0
    before: tuple[NDArray, NDArray] | None = None
    for pair in zip(source, drawn, strict=True):
        now = tuple(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in pair)
        if before is not None and cv2.absdiff(now[0], before[0]).mean() < _CUT:
            found, pixels = _between(before, now)
            errors, count = errors + found, count + pixels
        before = now
    drawn_error, source_error = errors / max(count, 1)
    return Flicker(float(drawn_error), float(source_error))


def _between(
    before: tuple[NDArray, NDArray], now: tuple[NDArray, NDArray]
) -> tuple[NDArray[np.float64], float]:
    """Sums of the errors of drawn clip and source, and over how many pixels."""
    flow = flow_to(now[0], before[0])
    back = fetched(flow_to(before[0], now[0]), flow)
    explained = np.linalg.norm(flow + back, axis=2) < _EXPLAINED
    where = explained & _is_textured(now[0]) & (cv2.absdiff(*now) > _DRAWN)
    errors = [cv2.absdiff(now[i], fetched(before[i], flow))[where].sum() for i in (1, 0)]
    return np.array(errors, np.float64), float(where.sum())


def _is_textured(gray: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a picture (H, W) has slopes that are more than a camera's noise."""
    calm = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1.5)
    slopes = [cv2.Sobel(calm, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1))]
    energy = cv2.GaussianBlur(slopes[0] ** 2 + slopes[1] ** 2, (0, 0), 3)
    return energy >= _TEXTURE**2
