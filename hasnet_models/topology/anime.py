"""Anime, whose faces the mesh does not know: its shape by measure, its points from boxes.

The measures are medians of the boxes of eyes, nose, mouth and chin of 1,584 anime faces, taken on
the mean photo. Between the parts that are known a thin-plate spline fills in the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hasnet_models.frame import fit_similarity, scale_of, transform
from hasnet_models.topology import thin_plate
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.points import (
    BRIDGE,
    BROWS,
    CHIN,
    EYES,
    FACE_OVAL,
    FOREHEAD,
    LIPS,
    NOSE,
    NOSE_TIP,
)

EYE_CENTRES = ((0.355, 0.478), (0.645, 0.478))
EYE_SIZE = (0.165, 0.105)
MOUTH_CENTRE = (0.5, 0.722)
MOUTH_SIZE = (0.135, 0.05)
NOSE_SCALE, NOSE_LIFT = (0.55, 0.8), 0.02
BROW_OUTWARD, BROW_LIFT = 0.035, 0.03
# The face oval narrows, and its chin rises, along q from 0 at the eyes to 1 at the chin.
OVAL_WIDTH, OVAL_NARROWING, CHIN_LIFT = 1.06, 0.22, 0.075

# Aligned anime faces lie otherwise than the frame wants: by so much smaller, from here to there.
FRAME_SCALE = 0.92
FRAME_FROM, FRAME_TO = (0.502, 0.346), (0.504, 0.475)


@lru_cache
def anime_shape() -> NDArray[np.float64]:
    """The shape (468, 3) of anime, as `shape.domain_shape` gives those of other domains."""
    mean = mean_face()
    goal = {}
    for eye, centre in zip(EYES, EYE_CENTRES, strict=True):
        goal.update(_named(eye, _boxed(mean[list(eye), :2], centre, EYE_SIZE)))
    goal.update(_named(LIPS, _boxed(mean[list(LIPS), :2], MOUTH_CENTRE, MOUTH_SIZE)))
    nose = mean[list(NOSE), :2] - mean[NOSE_TIP, :2]
    goal.update(_named(NOSE, nose * NOSE_SCALE + mean[NOSE_TIP, :2] - [0, NOSE_LIFT]))
    goal.update(_named(FACE_OVAL, _narrowed(mean[list(FACE_OVAL), :2])))
    for brow, outward in zip(BROWS, (-BROW_OUTWARD, BROW_OUTWARD), strict=True):
        goal.update(_named(brow, mean[list(brow), :2] + [outward, -BROW_LIFT]))
    fixed = (*BRIDGE, *FOREHEAD)
    goal.update(_named(fixed, mean[list(fixed), :2]))
    shape = spread(mean, goal) - mean
    shape.flags.writeable = False
    return shape


def points_from_boxes(boxes: Mapping[str, Sequence[float]]) -> NDArray[np.float32]:
    """Points (468, 3) of an anime face from the boxes of its parts.

    The mean anime face is brought to the boxes by a similarity, then each part into its own box.

    Args:
        boxes: "re" and "le" (the eyes, the viewer's left and right), "mouth": x, y, width and
            height; "nose", "chin": x and y; all in fractions of the picture.

    Raises:
        ValueError: a part is missing, a box is empty or not finite, or all lie in one point.
    """
    centres, sizes = _parts(boxes)
    face = mean_face() + anime_shape()
    parts = (*EYES, LIPS)
    anchors = [*(_middle(face[list(part), :2]) for part in parts), *face[[NOSE_TIP, CHIN], :2]]
    points = _placed(face, np.array(anchors), np.array([*centres, boxes["nose"], boxes["chin"]]))
    goal = {NOSE_TIP: np.array(boxes["nose"]), CHIN: np.array(boxes["chin"])}
    for part, centre, size in zip(parts, centres, sizes, strict=True):
        goal.update(_named(part, _boxed(points[list(part), :2], centre, size)))
    return spread(points, goal).astype(np.float32)


def frame_matrix(side: int) -> NDArray[np.float64]:
    """The similarity (2, 3), px to px, that brings an aligned anime face to where others lie.

    For `face.align.warp`, whose mirrored edges fill what then lies beyond the picture.
    """
    shift = np.array(FRAME_TO) - FRAME_SCALE * np.array(FRAME_FROM)
    return np.column_stack([FRAME_SCALE * np.eye(2), shift * side + (FRAME_SCALE - 1) / 2])


def framed(points: NDArray) -> NDArray[np.float32]:
    """Points (468, 3) of an aligned anime face, in the picture that `frame_matrix` makes of it."""
    moved = np.asarray(points, np.float64) * FRAME_SCALE
    moved[:, :2] += np.array(FRAME_TO) - FRAME_SCALE * np.array(FRAME_FROM)
    return moved.astype(np.float32)


def spread(points: NDArray, goal: Mapping[int, NDArray]) -> NDArray[np.float64]:
    """All points (468, 3) moved as smoothly as the goals (2,) of some of them allow."""
    known = list(goal)
    places, there = points[:, :2], np.array([goal[index] for index in known])
    spline = thin_plate.fit(places[known], there - places[known], smoothing=1e-4)
    moved = np.array(points, np.float64)
    moved[:, :2] += spline.at(places)
    moved[known, :2] = there
    return moved


def _narrowed(oval: NDArray) -> NDArray:
    eyes, chin = EYE_CENTRES[0][1], oval[:, 1].max()
    q = ((oval[:, 1] - eyes) / (chin - eyes)).clip(0, 1)
    x = 0.5 + (oval[:, 0] - 0.5) * (OVAL_WIDTH - OVAL_NARROWING * q)
    return np.column_stack([x, oval[:, 1] - CHIN_LIFT * q])


def _parts(boxes: Mapping[str, Sequence[float]]) -> tuple[NDArray, NDArray]:
    """Centres and sizes (3, 2) of the eyes and the mouth."""
    if missing := {"re", "le", "mouth", "nose", "chin"} - set(boxes):
        raise ValueError(f"the anime face has no box for: {', '.join(sorted(missing))}")
    parts = np.array([boxes[name] for name in ("re", "le", "mouth")], np.float64)
    sizes = parts[:, 2:]
    numbers = [*parts.ravel(), *boxes["nose"], *boxes["chin"]]
    if not np.isfinite(numbers).all() or (sizes <= 0).any():
        raise ValueError("a box of the anime face is empty or not finite")
    return parts[:, :2] + sizes / 2, sizes


def _placed(face: NDArray, anchors: NDArray, there: NDArray) -> NDArray:
    """The face (468, 3) brought by the similarity of the plane that fits its anchors (N, 2)."""
    matrix = fit_similarity(anchors, there)
    return np.column_stack([transform(face[:, :2], matrix), face[:, 2] * scale_of(matrix)])


def _boxed(part: NDArray, centre: Sequence[float], size: Sequence[float]) -> NDArray:
    """Points (N, 2) whose bounding box gets another centre and size."""
    return (part - _middle(part)) * (np.array(size) / np.ptp(part, axis=0)) + centre


def _middle(part: NDArray) -> NDArray:
    return (part.min(0) + part.max(0)) / 2


def _named(indices: Sequence[int], points: NDArray) -> dict[int, NDArray]:
    return dict(zip(indices, points, strict=True))
