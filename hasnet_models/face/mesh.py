"""A dense face mesh: MediaPipe FaceMesh (Kartynnik et al. 2019), 468 points with depth.

It was trained on photos and finds the faces of nearly all painted, drawn and sculpted domains too;
anime, masks and most film characters with animal faces it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.session import open_session
from hasnet_models.face.types import FaceMesh
from hasnet_models.opencv import cv2

WEIGHTS = "face_mesh.onnx"
POINTS = 468
MINIMUM_SCORE = 0.8  # below it there is no face, or the points are wrong

_INPUT = 192
_FRAME = 256  # side of the frame that squares are cut out of
_CENTRE = (0.5, 0.54)
_SIDES = (0.84, 0.70, 1.0)
_SURE = 0.97
_MARGIN = 1.45  # side of the second square, in sides of the found points' box
_SIDE_RANGE = (0.3, 1.6)


class MeshFinder:
    """Finds the mesh of the face in an aligned crop, on the CPU.

    Args:
        threads: of onnxruntime.

    Raises:
        WeightsError: the weight file is missing or damaged.
    """

    def __init__(self, threads: int = 1) -> None:
        self._session = open_session(WEIGHTS, threads)

    def find(self, rgb: NDArray[np.uint8]) -> FaceMesh | None:
        """The mesh where its score is at least `MINIMUM_SCORE`, else None; arguments of `look`."""
        mesh = self.look(rgb)
        return mesh if mesh.score >= MINIMUM_SCORE else None

    def look(self, rgb: NDArray[np.uint8]) -> FaceMesh:
        """The best mesh, whatever its score: about 5 ms where the first square holds a face.

        Squares of several sides are tried until one is sure, then the one around the found points.

        Args:
            rgb: uint8 (S, S, 3), an aligned crop of any side.

        Raises:
            ValueError: the picture is not as described above.
        """
        check_crop(rgb)
        shrinking = cv2.INTER_AREA if len(rgb) > _FRAME else cv2.INTER_LINEAR
        frame = cv2.resize(rgb, (_FRAME, _FRAME), interpolation=shrinking)
        best = self._within(frame, _SIDES[0], _CENTRE)
        for side in _SIDES[1:]:
            if best.score >= _SURE:
                break
            best = max(best, self._within(frame, side, _CENTRE), key=lambda mesh: mesh.score)
        again = self._within(frame, *_surrounding(best.points))
        return again if again.score >= min(best.score, _SURE) else best

    def look_all(
        self, pictures: Iterable[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """`look` at many crops: points (N, 468, 3) and scores (N,), to be kept in one file."""
        meshes = [self.look(rgb) for rgb in pictures]
        points = np.array([mesh.points for mesh in meshes], np.float32).reshape(-1, POINTS, 3)
        return points, np.array([mesh.score for mesh in meshes], np.float32)

    def _within(
        self, frame: NDArray[np.uint8], side: float, centre: tuple[float, float]
    ) -> FaceMesh:
        """What the network says of one square of the frame."""
        corner = np.array(centre) - side / 2
        k = _INPUT / (side * len(frame))
        shift = k / 2 - 0.5 - k * corner * len(frame)
        matrix = np.array([[k, 0, shift[0]], [0, k, shift[1]]])
        square = cv2.warpAffine(
            frame, matrix, (_INPUT, _INPUT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        image = square.transpose(2, 0, 1)[None].astype(np.float32) / 255
        points, score = self._session.run(["points", "score"], {"image": image})
        found = points[0] * (side / _INPUT) + np.append(corner, 0)
        return FaceMesh(found.astype(np.float32), float(score[0]))


def check_crop(rgb: NDArray) -> None:
    """ValueError unless it is a uint8 (S, S, 3) picture with S of at least 1."""
    side = len(rgb)
    if rgb.dtype != np.uint8 or rgb.shape != (side, side, 3) or side == 0:
        raise ValueError(f"expected a uint8 (S, S, 3) crop, got {rgb.dtype} {rgb.shape}")


def _surrounding(points: NDArray[np.float32]) -> tuple[float, tuple[float, float]]:
    """Side and centre of the square around found points, with a margin."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    x, y = (low + high) / 2
    side = np.clip((high - low).max() * _MARGIN, *_SIDE_RANGE)
    return float(side), (float(x), float(y))
