"""The embedded face detector: CenterFace (Xu et al. 2019), boxes and five landmarks.

Chosen over MTCNN by measurement (docs/detector.md): on 30 pictures of each of 21 domains, pasted
into a larger one, it finds 90% and MTCNN 86%, most of the difference in film characters (100%
against 29%) and statues of Buddha (93% against 70%); both find every photo. After
`CenterFace.refine` its landmarks scatter less between two views of one face. It is slower, finds
fewer cartoons, and places the corners of a wide smile less well than MTCNN.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.align import warp
from hasnet_models.face.session import open_session
from hasnet_models.face.types import Face
from hasnet_models.frame import invert, transform
from hasnet_models.opencv import cv2

WEIGHTS = "centerface.onnx"
_STRIDE = 4
_MULTIPLE = 32
_OVERLAP = 0.3
_OUTPUTS = ["heatmap", "scale", "offset", "landmarks"]
_MIRRORED = [1, 0, 2, 4, 3]  # the landmarks of a mirrored face, in its own left-first order
_REFINE_SIZES = (160, 224)
_REFINE_FRAME = 2.0  # side of the frame that is looked at again, in box sides


@dataclass(frozen=True)
class _Pass:
    """One look at the picture: its long side in px, how much of it is added on each side."""

    side: int
    padding: float
    threshold: float


# The first pass nearly always decides. Then: small faces in a large picture; faint ones; faces that
# fill the frame, which are found when there is something around them; the same still smaller.
_PASSES = (
    _Pass(640, 0.0, 0.35),
    _Pass(1280, 0.0, 0.35),
    _Pass(640, 0.0, 0.2),
    _Pass(512, 0.5, 0.2),
    _Pass(320, 0.5, 0.2),
)
_SMALLEST_SIDE = 256


class CenterFace:
    """The embedded detector, on the CPU.

    Args:
        threads: of onnxruntime.

    Raises:
        WeightsError: the weight file is missing or damaged.
    """

    def __init__(self, threads: int = 1) -> None:
        self._session = open_session(WEIGHTS, threads)

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """As `Detector.detect`; about 40 ms, and 25 ms more for each face (one thread)."""
        first_side = _PASSES[0].side
        for look in _PASSES:
            if look.side > first_side >= max(rgb.shape[:2]):
                continue  # the first pass has seen every pixel already
            if faces := self._look(rgb, look):
                refined = [self.refine(rgb, face) for face in faces]
                return sorted(refined, key=lambda face: -face.area)
        return []

    def refine(self, rgb: NDArray[np.uint8], face: Face) -> Face:
        """Find the landmarks again: mean over two sizes of a frame around the face, and mirrored.

        This nearly halves their scatter between two views of a face; what CenterFace gets wrong
        in every view stays wrong. The face stays as it is if it is not found again.
        """
        x1, y1, x2, y2 = face.box
        side = max(x2 - x1, y2 - y1, 1.0) * _REFINE_FRAME
        found = []
        for size in _REFINE_SIZES:
            k = size / side
            shift = (size - 1) / 2 - k * np.array([x1 + x2, y1 + y2]) / 2
            matrix = np.array([[k, 0, shift[0]], [0, k, shift[1]]], dtype=np.float64)
            frame = warp(rgb, matrix, size)
            for points in (self._central(frame), _unmirrored(self._central(frame[:, ::-1]), size)):
                if points is not None:
                    found.append(transform(points, invert(matrix)))
        if not found:
            return face
        return replace(face, landmarks=np.mean(found, axis=0).astype(np.float32))

    def _central(self, frame: NDArray[np.uint8]) -> NDArray | None:
        """Landmarks (5, 2) of the best face near the middle of a frame."""
        size = len(frame)
        for box, landmarks, _ in self._run(frame, 0.2):
            if np.hypot(*((box[:2] + box[2:]) / 2 - size / 2)) < 0.15 * size:
                return landmarks
        return None

    def _look(self, rgb: NDArray[np.uint8], look: _Pass) -> list[Face]:
        height, width = rgb.shape[:2]
        pad = round(look.padding * max(height, width))
        long_side = max(height, width) + 2 * pad
        k = min(look.side, max(long_side, _SMALLEST_SIDE)) / long_side
        small = _resized(rgb, k)
        border = round(pad * k)
        if border:
            small = cv2.copyMakeBorder(small, *[border] * 4, cv2.BORDER_REPLICATE)
        # In pixel edges (not centres) a resize is a mere factor.
        factor = np.array([width / (small.shape[1] - 2 * border)] * 2, dtype=np.float32)
        factor[1] = height / (small.shape[0] - 2 * border)

        def back(points: NDArray) -> NDArray[np.float32]:
            return ((points + 0.5 - border) * factor - 0.5).astype(np.float32)

        return [
            Face(back(box.reshape(2, 2)).ravel(), back(landmarks), score)
            for box, landmarks, score in self._run(small, look.threshold)
        ]

    def _run(
        self, rgb: NDArray[np.uint8], threshold: float
    ) -> list[tuple[NDArray, NDArray, float]]:
        """Box, landmarks and score of each face, in pixels of this picture, the best first."""
        below, right = (-length % _MULTIPLE for length in rgb.shape[:2])
        rgb = cv2.copyMakeBorder(rgb, 0, below, 0, right, cv2.BORDER_REPLICATE)
        blob = rgb.transpose(2, 0, 1)[None].astype(np.float32)
        maps = [m[0] for m in self._session.run(_OUTPUTS, {"image": blob})]
        boxes, landmarks, scores = _decode(*maps, threshold)
        return [(boxes[i], landmarks[i], float(scores[i])) for i in _suppress(boxes, scores)]


def _resized(rgb: NDArray[np.uint8], k: float) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    size = max(1, round(width * k)), max(1, round(height * k))
    if size == (width, height):
        return rgb
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR)


def _unmirrored(points: NDArray | None, size: int) -> NDArray | None:
    if points is None:
        return None
    return np.stack([size - 1 - points[:, 0], points[:, 1]], axis=1)[_MIRRORED]


def _decode(
    heatmap: NDArray, scale: NDArray, offset: NDArray, landmarks: NDArray, threshold: float
) -> tuple[NDArray, NDArray, NDArray]:
    """Boxes (N, 4), landmarks (N, 5, 2) and scores (N,) from the network's maps (C, h, w).

    Maps hold y before x. Sizes are logarithms in strides; landmarks are shares of the box.
    """
    rows, columns = np.nonzero(heatmap[0] > threshold)
    cells = np.stack([rows, columns])
    sizes = np.exp(scale[:, rows, columns]) * _STRIDE
    centres = (cells + offset[:, rows, columns] + 0.5) * _STRIDE
    corner = centres - sizes / 2
    points = landmarks[:, rows, columns].reshape(5, 2, -1) * sizes + corner
    boxes = np.concatenate([corner[::-1], (corner + sizes)[::-1]]).T
    return boxes, points[:, ::-1].transpose(2, 0, 1), heatmap[0, rows, columns]


def _suppress(boxes: NDArray, scores: NDArray) -> list[int]:
    """Indices of the boxes that overlap no better one by more than `_OVERLAP`, the best first."""
    order = np.argsort(-scores, kind="stable")
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.prod((high - low).clip(0), axis=1)
        order = order[shared < _OVERLAP * (areas[best] + areas[order] - shared)]
    return kept
