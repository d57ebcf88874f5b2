"""Everyone in a photo: a detector's looks at the whole and at parts of it, put together.

A detector sees a photo at the size of its input. The faces of a group are small there, so whoever
asks for more than the largest face has the photo looked at again: whole at a larger size, and in
overlapping parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.types import Detector, Face
from hasnet_models.opencv import cv2

SIDES = (640, 1280)  # longer side in px of the whole photo in the first looks
_FINEST = 2560  # longer side of the photo when it is looked at in parts
_PART = 1280  # side of a part
_OVERLAP = 320  # of two parts: no face of that size is cut in both
_RIM = 4  # px from a part's inner edge: a box that touches it is of half a face
_SAME = 0.3  # intersection over union of two boxes of one face
_WITHIN = 0.6  # share of the smaller box that lies in the other

Look = Callable[[NDArray[np.uint8]], list[Face]]


@dataclass(frozen=True)
class View:
    """A part of a photo at a smaller size: the photo times `scale`, then cut out, in px of it."""

    scale: float
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    cut: tuple[bool, bool, bool, bool] = (False,) * 4

    def of(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What it shows of the photo."""
        low, high = np.array([self.left, self.top]), np.array([self.right, self.bottom])
        (x1, y1), (x2, y2) = (np.round(corner / self.scale).astype(int) for corner in (low, high))
        part = rgb[y1:y2, x1:x2]
        if self.scale == 1:
            return np.ascontiguousarray(part)
        return cv2.resize(part, tuple((high - low).tolist()), interpolation=cv2.INTER_AREA)

    def back(self, face: Face) -> Face:
        """A face of this view in the photo; a pixel's middle is a whole number in both."""
        if (self.scale, self.left, self.top) == (1, 0, 0):
            return face
        shift = np.array([self.left, self.top]) + 0.5
        points = (face.landmarks + shift) / self.scale - 0.5
        box = (face.box + np.tile(shift, 2)) / self.scale - 0.5
        return replace(face, box=box.astype(np.float32), landmarks=points.astype(np.float32))

    def halves(self, face: Face) -> bool:
        """Whether the box reaches an edge behind which the photo goes on."""
        size = np.array([self.right - self.left, self.bottom - self.top])
        low, high = face.box[:2] < _RIM, face.box[2:] > size - _RIM
        return bool((np.concatenate([low, high]) & self.cut).any())


def everyone(rgb: NDArray[np.uint8], look: Look, sides: Sequence[int] = SIDES) -> list[Face]:
    """The faces of a photo that are found in any of several looks, each once, the surest first.

    Args:
        rgb: uint8 (H, W, 3).
        look: finds the faces of a picture.
        sides: longer sides at which the whole photo is looked at.
    """
    found = [
        view.back(face)
        for view in views(rgb.shape[:2], sides)
        for face in look(view.of(rgb))
        if not view.halves(face)
    ]
    return distinct(found)


def detect_all(detector: Detector, rgb: NDArray[np.uint8]) -> list[Face]:
    """What a detector finds when it takes its time, the largest first.

    That is its own `detect_all` where it has one (with the arguments and the result of `detect`),
    else its looks at the whole photo and at parts of it.
    """
    own = getattr(detector, "detect_all", None)
    if own is not None:
        return own(rgb)
    return sorted(everyone(rgb, detector.detect, sides=(_PART,)), key=lambda face: -face.area)


def views(shape: tuple[int, ...], sides: Sequence[int] = SIDES) -> Iterator[View]:
    """The whole at these sides, and parts of it where it is larger than all of them."""
    height, width = shape
    longer = max(shape)
    for side in sides:
        k = min(1.0, side / longer)
        yield View(k, right=max(1, round(width * k)), bottom=max(1, round(height * k)))
        if k == 1:
            return
    k = min(1.0, _FINEST / longer)
    across, down = (max(1, round(length * k)) for length in (width, height))
    for top, bottom in _spans(down):
        for left, right in _spans(across):
            cut = (left > 0, top > 0, right < across, bottom < down)
            yield View(k, left, top, right, bottom, cut)


def distinct(faces: Sequence[Face]) -> list[Face]:
    """Each face once, the surest find of it; the surest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(_is_same(face, other) for other in kept):
            kept.append(face)
    return kept


def _spans(length: int) -> list[tuple[int, int]]:
    """Overlapping parts of a length that cover it."""
    if length <= _PART:
        return [(0, length)]
    count = int(np.ceil((length - _OVERLAP) / (_PART - _OVERLAP)))
    starts = np.linspace(0, length - _PART, count).round().astype(int).tolist()
    return [(start, start + _PART) for start in starts]


def _is_same(face: Face, other: Face) -> bool:
    low, high = np.maximum(face.box[:2], other.box[:2]), np.minimum(face.box[2:], other.box[2:])
    shared = float(np.prod((high - low).clip(0)))
    smaller, both = min(face.area, other.area), face.area + other.area - shared
    return shared > _SAME * both or shared > _WITHIN * smaller
