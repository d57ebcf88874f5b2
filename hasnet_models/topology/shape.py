"""The shape of faces and of whole domains, and where it sends the points of a source.

A face's shape is what is left of its points when pose and mean face are taken away. Where a domain
wants a source's points is the source's own points plus the difference of two shapes, turned with
the head. Mouth and lids carry expression, so they follow by place and size only: a smile stays a
smile, a closed eye stays closed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.topology.mean_face import mean_face, mirrored
from hasnet_models.topology.points import EYES, LIPS
from hasnet_models.topology.pose import Pose, pose_of
from hasnet_models.topology.strength import DOMAIN_WEIGHT, OWN_WEIGHT, STRENGTH

STRENGTHS = {"anime": 0.75}
CARICATURE_OWN_WEIGHT = 1.4
OWN_SCORE = 0.95  # a reference's own shape counts from this score of its mesh
LID_WEIGHT = 0.6

# How many times as wide, high (and deep) a part becomes: smallest and largest.
_MOUTH_SIZES = np.array([[0.5, 0.6, 1], [1.5, 1.4, 1]])
# A closed mouth beside the mean face's, which smiles (median of 100 photos): by so much smaller a
# domain's mouth may be without being a smaller one.
_MOUTH_AT_REST = np.array([0.84, 0.84, 1.0])
_EYE_SIZES = np.array([[0.5, 0.3, 1], [2.0, 3.5, 1]])

Shape = NDArray[np.float64]


def face_shape(points: ArrayLike) -> Shape:
    """A face's shape (468, 3): its points brought back by its pose, minus the mean face.

    Raises:
        ValueError: the points (468, 3) are not finite, or lie all in one point.
    """
    mean = mean_face()
    return pose_of(points, mean).bring_back(points) - mean


def domain_shape(shapes: ArrayLike) -> Shape:
    """The shape of a domain: median over the shapes (N, 468, 3) of its faces, made symmetric.

    Raises:
        ValueError: there are no shapes.
    """
    faces = np.asarray(shapes, np.float64)
    if not len(faces):
        raise ValueError("a domain's shape needs at least one face")
    middle = np.median(faces, axis=0)
    mean = mean_face()
    return (middle + mirrored(mean + middle) - mean) / 2


def mixed_shape(
    domain: Shape,
    own: Shape | None,
    domain_weight: float = DOMAIN_WEIGHT,
    own_weight: float = OWN_WEIGHT,
) -> Shape:
    """The shape to aim at: the domain's and the reference's own, whose lids are damped.

    Args:
        domain: (468, 3).
        own: `face_shape` of the reference; None where its mesh is not sure (below `OWN_SCORE`):
            then the domain's shape alone, whole.
        domain_weight, own_weight: a caricature takes 0 and `CARICATURE_OWN_WEIGHT`.
    """
    if own is None:
        return domain
    return domain_weight * domain + own_weight * damped_lids(own)


def damped_lids(shape: Shape, weight: float = LID_WEIGHT) -> Shape:
    """The shape with only a part of how far its lids are opened or closed."""
    calm = shape.copy()
    for eye in EYES:
        ring = list(eye)
        height = shape[ring, 1]
        calm[ring, 1] = height.mean() + weight * (height - height.mean())
    return calm


def target(
    points: ArrayLike, shape: Shape, own_domain: Shape | None = None, strength: float = STRENGTH
) -> NDArray[np.float32]:
    """Where a source's points go to have a shape.

    Args:
        points: (468, 3), the source's.
        shape: (468, 3), the one to aim at (`domain_shape`, `mixed_shape`, `anime.anime_shape`).
        own_domain: the shape of the source's own domain; None is the mean face.
        strength: 0 leaves the points where they are; 0..1.5.

    Returns:
        float32 (468, 3).

    Raises:
        ValueError: the points are not finite, or lie all in one point.
    """
    mean = mean_face()
    pose = pose_of(points, mean)
    start = mean if own_domain is None else mean + own_domain
    goal = mean + shape
    face = pose.bring_back(points)
    moved = face + strength * (goal - start)
    for eye in EYES:
        ring = list(eye)
        moved[ring] = moved_eye(face[ring], start[ring], goal[ring], strength)
    lips = list(LIPS)
    moved[lips] = moved_mouth(face[lips], start[lips], goal[lips], strength)
    return shifted(points, moved - face, pose)


def shifted(points: ArrayLike, displacement: Shape, pose: Pose) -> NDArray[np.float32]:
    """Points of a picture, moved by displacements of the frontal mean frame."""
    return (np.asarray(points, np.float64) + pose.turn(displacement)).astype(np.float32)


def moved_mouth(face: NDArray, start: NDArray, goal: NDArray, strength: float) -> NDArray:
    """A mouth that follows by place and size only: its expression stays.

    Args:
        face: (40, 3), the source's lips in the frontal mean frame.
        start, goal: (40, 3), those of the shape that it has by its domain, and of the one to have.
    """
    whole = growth(start, goal)
    whole = np.where(whole < 1, np.minimum(whole / _MOUTH_AT_REST, 1), whole)
    grown = 1 + strength * (whole - 1)
    return _resized(face, start, goal, strength, grown.clip(*_MOUTH_SIZES))


def moved_eye(face: NDArray, start: NDArray, goal: NDArray, strength: float) -> NDArray:
    """An eye that takes place, size, slant and curve; open or closed it stays as it is.

    Args:
        face: (16, 3), the source's ring in the frontal mean frame.
        start, goal: (16, 3), as in `moved_mouth`.
    """
    whole = growth(start, goal)
    grown = 1 + strength * (whole - 1)
    # What the goal has beyond place and size, as far as the source's eye is open.
    rest = _centred(goal) - _centred(start) * whole
    openness = min(1.0, np.ptp(face[:, 1]) / max(np.ptp(start[:, 1]), 1e-6))
    sized = _resized(face, start, goal, strength, grown.clip(*_EYE_SIZES))
    return sized + strength * openness * rest


def growth(start: NDArray, goal: NDArray) -> NDArray:
    """How much wider and higher one part (N, 3) is than another, by least squares: (x, y, 1)."""
    a, b = _centred(start), _centred(goal)
    ratios = (a * b).sum(0) / np.maximum((a * a).sum(0), 1e-12)
    return np.array([ratios[0], ratios[1], 1.0])


def _resized(
    face: NDArray, start: NDArray, goal: NDArray, strength: float, ratios: NDArray
) -> NDArray:
    """A part at the place and with the size that the goal has beside the start."""
    return _centred(face) * ratios + face.mean(0) + strength * (goal.mean(0) - start.mean(0))


def _centred(part: NDArray) -> NDArray:
    return part - part.mean(0)
