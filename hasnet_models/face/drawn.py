"""Drawn faces: eyes, nose, mouth and chin of the faces that networks for photos do not know.

A network of 60,000 weights, convolutions only, says for every place of a picture whether the middle
of a drawn face lies there and how large the face is (`cells`, a place is 8 x 8 px), and gives maps
of the points and sizes (`maps`, a place is 4 x 4 px), of which a soft argmax makes coordinates (Sun
et al. 2018, *Integral Human Pose Regression*). It was trained on anime by
tools/train_drawn_landmarks.py. The whole picture is looked at first, in several sizes; then each
promising place is cut out twice, the second time upright and in the size that the network knows
best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.align import resample
from hasnet_models.face.session import open_session
from hasnet_models.face.types import FaceMesh
from hasnet_models.frame import (
    CROP_SIZE,
    fit_similarity,
    invert,
    rescaled,
    scale_of,
    transform,
)
from hasnet_models.opencv import cv2
from hasnet_models.topology.anime import FRAME_FROM, FRAME_SCALE, FRAME_TO, points_from_boxes

WEIGHTS = "drawn_landmarks.onnx"
WINDOW = 96  # px, side of the pictures that the network was trained on
CELL, GRID = 8, 4  # px, side of a place of `cells` and of `maps`
MINIMUM_SCORE = 0.75  # below it there is no drawn face

# Left eye, right eye, nose, mouth and chin (left and right as the viewer sees them) of the median
# of the anime faces, in fractions of the window that shows a face as the network knows it best.
TYPICAL = np.array([[0.324, 0.347], [0.68, 0.347], [0.502, 0.488], [0.502, 0.602], [0.502, 0.719]])
MIRRORED = [1, 0, 2, 3, 4]
MIRRORED_SIZES = [1, 0, 2]
SIZED = [0, 1, 3]  # the points that have a width and a height

# Where the typical face lies in the FFHQ frame: its eyes at the height of other faces' eyes.
TEMPLATE = (TYPICAL - FRAME_FROM) * FRAME_SCALE + FRAME_TO

_AIM = np.array([6.5, 5.5])  # of a face's middle in its window, in places of `cells`
_LONG_SIDES = (608, 384, 240, 152, 96)
_MULTIPLE = 16  # of the sides of what the network sees
_BORDER = 0.15  # of the long side, around the picture when it is looked at whole
_PROMISING = 0.1
_LOOKED_AT = 8  # places
_CENTRAL = 0.15  # how far from the middle of a window its face may lie, in windows
_APART = 0.35  # the least distance of two faces, in windows
_NEARLY = 0.8  # of the best score: the largest of such faces comes first
_SMALLEST = 8.0  # px of the picture, side of a face's window


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """A drawn face, in pixels of the picture.

    Attributes:
        points: float64 (5, 2): left eye, right eye, nose, mouth, chin; eyes and mouth by their
            middles, left and right as the viewer sees them.
        sizes: float64 (3, 2): width and height of left eye, right eye and mouth along the face's
            own axes.
        score: 0..1, how surely there is a drawn face.
    """

    points: NDArray[np.float64]
    sizes: NDArray[np.float64]
    score: float

    @property
    def placement(self) -> NDArray[np.float64]:
        """float64 (2, 3): the similarity that brings the typical face (px of its window) here."""
        return fit_similarity(_in_pixels(TYPICAL, WINDOW), self.points)

    @property
    def side(self) -> float:
        """Of the window of hair, face and chin, in px: a measure of the face's size."""
        return scale_of(self.placement) * WINDOW

    def moved(self, matrix: NDArray) -> DrawnFace:
        """The face in the picture that a similarity (2, 3) makes of this one."""
        return DrawnFace(transform(self.points, matrix), self.sizes * scale_of(matrix), self.score)


class DrawnFaceFinder:
    """Finds drawn faces, on the CPU.

    Args:
        threads: of onnxruntime.

    Raises:
        WeightsError: the weight file is missing or damaged.
    """

    def __init__(self, threads: int = 1) -> None:
        self._session = open_session(WEIGHTS, threads)

    def find(
        self, rgb: NDArray[np.uint8], minimum_score: float = MINIMUM_SCORE
    ) -> DrawnFace | None:
        """The first of `find_all`, or None."""
        faces = self.find_all(rgb, minimum_score)
        return faces[0] if faces else None

    def find_all(
        self, rgb: NDArray[np.uint8], minimum_score: float = MINIMUM_SCORE
    ) -> list[DrawnFace]:
        """The drawn faces of a picture, the largest of the surest ones first.

        Args:
            rgb: uint8 (H, W, 3). Faces are found whose window is at least a tenth of its long side.
            minimum_score: 0..1, of the faces that count.

        Raises:
            ValueError: the picture is not as described above.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
            raise ValueError(f"expected a uint8 (H, W, 3) picture, got {rgb.dtype} {rgb.shape}")
        places = _distinct([face for look in _pyramid(rgb) for face in self._promising(*look)])
        for _ in range(2):
            places = self.read(rgb, [upright(face) for face in places[:_LOOKED_AT]])
            places = [face for face in places if face.side >= _SMALLEST]
        faces = _distinct([face for face in places if face.score >= minimum_score])
        return sorted(faces, key=lambda f: (f.score < _NEARLY * faces[0].score, -f.side))

    def read(self, rgb: NDArray[np.uint8], matrices: Sequence[NDArray]) -> list[DrawnFace]:
        """The face of each window, found or not: the mean of the window and its mirror image.

        Args:
            rgb: uint8 (H, W, 3).
            matrices: float64 (2, 3) each, picture to window of `WINDOW` px.
        """
        if not matrices:
            return []
        windows = np.stack([_window(rgb, matrix) for matrix in matrices])
        cells, maps = self._run(np.concatenate([windows, windows[:, :, ::-1]]))
        points, sizes = soft_argmax(maps)
        n = len(matrices)
        points[n:] = points[n:, MIRRORED] * [-1, 1] + [1, 0]
        sizes[n:] = sizes[n:, MIRRORED_SIZES]
        points, sizes, scores = (_halves(v) for v in (points, sizes, central_score(cells)))
        faces = map(DrawnFace, _in_pixels(points, WINDOW), sizes * WINDOW, scores.tolist())
        return [face.moved(invert(m)) for face, m in zip(faces, matrices, strict=True)]

    def _promising(self, picture: NDArray[np.uint8], matrix: NDArray) -> list[DrawnFace]:
        """Where a picture, which a matrix made of the whole, may have a face: typical faces."""
        cells = self._run(picture[None])[0][0]
        scores = _sigmoid(cells[0])
        best = cv2.dilate(scores, np.ones((3, 3), np.uint8))
        found = []
        for row, column in np.argwhere((scores == best) & (scores > _PROMISING)):
            points = (TYPICAL - middle(TYPICAL)) * WINDOW * np.exp(cells[1, row, column])
            points = points + (np.array([column, row]) + 0.5) * CELL - 0.5
            face = DrawnFace(points, np.zeros((3, 2)), float(scores[row, column]))
            found.append(face.moved(invert(matrix)))
        return found

    def _run(self, pictures: NDArray[np.uint8]) -> tuple[NDArray, NDArray]:
        """`cells` (N, 2, H / 8, W / 8) and `maps` (N, 11, H / 4, W / 4) of (N, H, W, 3)."""
        image = pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255
        return tuple(self._session.run(["cells", "maps"], {"image": image}))


def template_similarity(face: DrawnFace, size: int = CROP_SIZE) -> NDArray[np.float64]:
    """The similarity that brings a drawn face onto the FFHQ template.

    Its eyes come to the height of other faces' eyes, but stay farther apart, as they are drawn.

    Args:
        face: as found.
        size: side of the crop in px.

    Returns:
        float64 (2, 3), picture to crop.
    """
    return fit_similarity(face.points[SIZED], _in_pixels(TEMPLATE[SIZED], size))


def upright(face: DrawnFace) -> NDArray[np.float64]:
    """Picture to the window of `WINDOW` px that shows the face as the network knows it best.

    Its middle lies in the middle of a place of `cells`: two places would share the score.
    """
    matrix = invert(face.placement)
    matrix[:, 2] += _AIM * CELL - middle(TYPICAL) * WINDOW
    return matrix


def parts(face: DrawnFace, matrix: NDArray, size: int = CROP_SIZE) -> dict[str, list[float]]:
    """Where the parts of the face lie in an aligned crop, as `topology.anime` takes them.

    Args:
        matrix: picture to crop; it should bring the face upright, as the boxes are.
        size: side of the crop in px.

    Returns:
        "re" and "le" (the viewer's left and right eye) and "mouth": x, y, width, height of boxes;
        "nose" and "chin": x, y; in fractions of the crop.
    """
    there = face.moved(matrix)
    points, sizes = (there.points + 0.5) / size, there.sizes / size
    boxes = np.concatenate([points[SIZED] - sizes / 2, sizes], axis=1).tolist()
    named = dict(zip(("re", "le", "mouth"), boxes, strict=True))
    return {**named, "nose": points[2].tolist(), "chin": points[4].tolist()}


def mesh_of(face: DrawnFace, matrix: NDArray, size: int = CROP_SIZE) -> FaceMesh:
    """The mesh of the face in an aligned crop, filled in between its parts; arguments of `parts`.

    Raises:
        ValueError: the parts lie all in one point.
    """
    points = points_from_boxes(parts(face, matrix, size))
    return FaceMesh(points, face.score, "boxes")


def soft_argmax(maps: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (N, 5, 2) and sizes (N, 3, 2) in fractions of the window.

    Args:
        maps: float (N, 11, R, C): five logits, whose softmax over the places says where a point
            is; six logarithms of sizes, each weighed as its point's places are.
    """
    n, _, rows, columns = maps.shape
    flat = maps.reshape(n, 11, -1).astype(np.float64)
    shares = np.exp(flat[:, :5] - flat[:, :5].max(axis=2, keepdims=True))
    shares /= shares.sum(axis=2, keepdims=True)
    y, x = np.mgrid[:rows, :columns].reshape(2, -1)
    places = np.stack([(x + 0.5) / columns, (y + 0.5) / rows], axis=1)
    logs = np.einsum("npk,npsk->nps", shares[:, SIZED], flat[:, 5:].reshape(n, 3, 2, -1))
    return shares @ places, np.exp(logs)


def central_score(cells: NDArray) -> NDArray[np.float64]:
    """Scores (N,) of windows, cells (N, 2, R, R): the best place near the typical face's middle."""
    places = (np.arange(cells.shape[-1]) + 0.5) / cells.shape[-1]
    across, down = (np.abs(places - c) <= _CENTRAL for c in middle(TYPICAL))
    return _sigmoid(cells[:, 0, down][:, :, across].max(axis=(1, 2)).astype(np.float64))


def middle(points: NDArray) -> NDArray[np.float64]:
    """Of faces (..., 5, 2): halfway between eyes and mouth."""
    return points[..., [0, 1, 3, 3], :].mean(axis=-2)


def _pyramid(rgb: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """The picture in several sizes with a border, and the matrices to them; the largest first."""
    height, width = rgb.shape[:2]
    long_side = max(height, width)
    for side in _LONG_SIDES:
        if side > max(2 * long_side, _LONG_SIDES[-1]):
            continue
        k = side / long_side
        size = max(1, round(width * k)), max(1, round(height * k))
        shrinking = max(rgb.shape[:2]) > side
        # From the size before: a large picture is gone through once.
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
        border = round(_BORDER * side)
        right, below = (border + -(length + 2 * border) % _MULTIPLE for length in size)
        matrix = rescaled(np.eye(2, 3), k)
        matrix[:, 2] += border
        yield cv2.copyMakeBorder(rgb, border, below, border, right, cv2.BORDER_REPLICATE), matrix


def _window(rgb: NDArray[np.uint8], matrix: NDArray) -> NDArray[np.uint8]:
    # Mirrored surroundings would show the face a second time.
    return resample(rgb, matrix, WINDOW, WINDOW, cv2.BORDER_REPLICATE)


def _distinct(faces: list[DrawnFace]) -> list[DrawnFace]:
    """The faces that are not too near to a surer one, the surest first."""
    kept: list[DrawnFace] = []
    for face in sorted(faces, key=lambda face: -face.score):
        here = middle(face.points)
        if all(np.hypot(*(here - middle(k.points))) > _APART * k.side for k in kept):
            kept.append(face)
    return kept


def _halves(values: NDArray) -> NDArray:
    """The mean of the first and the second half."""
    first, second = np.split(values, 2)
    return (first + second) / 2


def _in_pixels(fractions: NDArray, side: int) -> NDArray[np.float64]:
    """Fractions of a side as OpenCV's coordinates: the first pixel's middle is 0."""
    return fractions * side - 0.5


def _sigmoid(x: NDArray) -> NDArray:
    return 0.5 + 0.5 * np.tanh(x / 2)
