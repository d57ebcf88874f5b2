"""The embedded face detector: CenterFace (Xu et al. 2019), boxes and five landmarks.

Chosen over MTCNN by measurement (docs/detector.md): on 30 pictures of each of 21 domains, pasted
into a larger one, it finds 90% and MTCNN 86%, most of the difference in film characters (100%
against 29%) and statues of Buddha (93% against 70%); both find every photo. After
`CenterFace.refine` its landmarks scatter less between two views of one face. It is slower, finds
fewer cartoons, and places the corners of a wide smile less well than MTCNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.align import warp
from hasnet_models.face.crowd import everyone
from hasnet_models.face.session import open_session
from hasnet_models.face.types import Face
from hasnet_models.frame import FFHQ_BOX_512, invert, similarity, transform
from hasnet_models.opencv import cv2

WEIGHTS = "centerface.onnx"
# A find that is less sure may be anything: see docs/detector.md for the scores of pictures without
# faces.
SURE = 0.5
_STRIDE = 4
_MULTIPLE = 32
_OVERLAP = 0.3
_OUTPUTS = ["heatmap", "scale", "offset", "landmarks"]
_MIRRORED = [1, 0, 2, 4, 3]  # the landmarks of a mirrored face, in its own left-first order
_REFINE_SIZES = (160, 224)
_REFINE_FRAME = 2.0  # side of the frame that is looked at again, in box sides
# CenterFace finds a face at every tilt, and is as sure of it, but beyond 30 degrees it puts the
# landmarks where an upright face has them (docs/detector.md). Landmarks that are right stay on the
# face when the frame is turned by a step; those that are not turn with the frame.
_TURNS = 12  # steps of the circle
_STEADY = 0.16  # eye distances that landmarks move in one step at most, when they are right
_STEADIER = 0.7  # of the upright landmarks' move, from which another tilt is believed


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
_LYING = (_PASSES[0], _PASSES[3])
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
        """As `Detector.detect`; about 40 ms, and 30 ms more for each face (one thread).

        What is less sure than `SURE` is given too, and marked so. Where nothing is sure, the
        picture is looked at lying and upside down as well.
        """
        faces = self._upright(rgb)
        if not any(face.sure for face in faces):
            faces = self._lying(rgb) or faces
        return sorted(faces, key=lambda face: -face.area)

    def detect_all(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """As `detect`, with the small faces of a group: looks at several sizes put together."""
        found = everyone(rgb, lambda view: self._look(view, _Pass(max(view.shape), 0.0, SURE)))
        if not found:
            return self.detect(rgb)
        return sorted((self.refine(rgb, face) for face in found), key=lambda face: -face.area)

    def _upright(
        self, rgb: NDArray[np.uint8], passes: Sequence[_Pass] = _PASSES
    ) -> list[Face]:
        """The faces of the first pass that finds any."""
        first_side = _PASSES[0].side
        for look in passes:
            if look.side > first_side >= max(rgb.shape[:2]):
                continue  # the first pass has seen every pixel already
            if faces := self._look(rgb, look):
                return [self.refine(rgb, face) for face in faces]
        return []

    def _lying(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The sure faces of the picture turned by quarters, of the first turn that has any."""
        for quarters in (1, 3, 2):
            turned = np.ascontiguousarray(np.rot90(rgb, quarters))
            if sure := [face for face in self._upright(turned, _LYING) if face.sure]:
                back = _quarters_back(rgb.shape, quarters)
                return [_moved(face, back) for face in sure]
        return []

    def refine(self, rgb: NDArray[np.uint8], face: Face) -> Face:
        """Find the landmarks again: mean over two sizes of a frame around the face, and mirrored.

        This nearly halves their scatter between two views of a face; what CenterFace gets wrong
        in every view stays wrong. The face stays as it is if it is not found again. Where it is
        tilted the frame is turned until the landmarks keep to the face.
        """
        upright = self._refined(rgb, face, 0.0)
        if upright is None:
            return face
        tilt = self._tilt(rgb, face, upright)
        if not tilt:
            return replace(face, landmarks=upright.astype(np.float32))
        for _ in range(2):  # the second time about the place where the first found the face
            points = self._refined(rgb, face, tilt)
            if points is None:
                return face
            face = _with_landmarks(face, points)
            tilt = _tilt_of(points)
        return face

    def _refined(self, rgb: NDArray[np.uint8], face: Face, tilt: float) -> NDArray | None:
        """Mean landmarks (5, 2) in a frame that brings a face of this tilt upright."""
        seen = [
            self._seen(rgb, face, tilt, size, mirrored)
            for size in _REFINE_SIZES
            for mirrored in (False, True)
        ]
        found = [points for points in seen if points is not None]
        return np.mean(found, axis=0) if found else None

    def _seen(
        self,
        rgb: NDArray[np.uint8],
        face: Face,
        tilt: float = 0.0,
        size: int = _REFINE_SIZES[0],
        mirrored: bool = False,
    ) -> NDArray | None:
        """Landmarks (5, 2) of a face in one frame around it, in px of the photo."""
        x1, y1, x2, y2 = face.box
        k = size / (max(x2 - x1, y2 - y1, 1.0) * _REFINE_FRAME)
        turn = k * np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        shift = (size - 1) / 2 - turn @ (np.array([x1 + x2, y1 + y2]) / 2)
        matrix = np.column_stack([turn, shift]).astype(np.float64)
        frame = warp(rgb, matrix, size)
        points = self._central(frame[:, ::-1] if mirrored else frame)
        if points is None:
            return None
        return transform(_unmirrored(points, size) if mirrored else points, invert(matrix))

    def _tilt(self, rgb: NDArray[np.uint8], face: Face, upright: NDArray) -> float:
        """How far a face is tilted, in radians clockwise; 0 where its landmarks are right as found.

        Args:
            upright: its landmarks in a frame that is not turned.
        """
        step = 2 * np.pi / _TURNS
        beside = self._seen(rgb, face, step)
        if beside is None or _moves(upright, beside) <= _STEADY:
            return 0.0
        seen = [self._seen(rgb, face, i * step) for i in range(_TURNS)]
        moves = [
            (_moves(seen[i], seen[i - 1]) + _moves(seen[i], seen[(i + 1) % _TURNS])) / 2
            for i in range(_TURNS)
        ]
        best = int(np.argmin(moves))
        steady = moves[best] <= min(_STEADY, _STEADIER * moves[0])
        return best * step if steady else 0.0

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
            Face(back(box.reshape(2, 2)).ravel(), back(landmarks), score, score >= SURE)
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


def _moves(points: NDArray | None, others: NDArray | None) -> float:
    """Mean distance of landmarks (5, 2) in two frames, in eye distances; infinite without both."""
    if points is None or others is None:
        return np.inf
    eyes = max(float(np.linalg.norm(points[0] - points[1])), 1e-6)
    return float(np.linalg.norm(points - others, axis=1).mean()) / eyes


def _tilt_of(points: NDArray) -> float:
    """The tilt of a face by its landmarks (5, 2), in radians clockwise."""
    matrix = similarity(points)
    return float(-np.arctan2(matrix[1, 0], matrix[0, 0]))


def _with_landmarks(face: Face, points: NDArray) -> Face:
    """The face with these landmarks, and the upright box around where boxes lie about them."""
    (u1, v1), (u2, v2) = FFHQ_BOX_512.reshape(2, 2)
    corners = np.array([[u1, v1], [u2, v1], [u1, v2], [u2, v2]])
    there = transform(corners, invert(similarity(points)))
    box = np.concatenate([there.min(0), there.max(0)])
    return replace(face, box=box.astype(np.float32), landmarks=points.astype(np.float32))


def _quarters_back(shape: tuple[int, ...], quarters: int) -> NDArray[np.float64]:
    """The (2, 3) matrix from a picture turned by `numpy.rot90` to the picture (H, W)."""
    height, width = shape[0] - 1, shape[1] - 1
    return {
        1: np.array([[0.0, -1, width], [1, 0, 0]]),
        2: np.array([[-1.0, 0, width], [0, -1, height]]),
        3: np.array([[0.0, 1, 0], [-1, 0, height]]),
    }[quarters]


def _moved(face: Face, matrix: NDArray) -> Face:
    """The face where a matrix brings it; its box stays upright."""
    corners = transform(face.box.reshape(2, 2), matrix)
    box = np.concatenate([corners.min(0), corners.max(0)]).astype(np.float32)
    landmarks = transform(face.landmarks, matrix).astype(np.float32)
    return replace(face, box=box, landmarks=landmarks)


def _unmirrored(points: NDArray, size: int) -> NDArray:
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
