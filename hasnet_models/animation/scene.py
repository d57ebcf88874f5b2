"""What is animated: a photo's face and its avatar, with their points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hasnet_models.opencv import cv2
from hasnet_models.topology.flow import GRID, Flow, flow, unfolded, warped

Pixels = NDArray[np.uint8]

_AROUND = 0.05  # how far beyond a person what moves with it reaches, in frames


@dataclass(frozen=True, eq=False)
class Scene:
    """A face and its avatar.

    Attributes:
        photo: uint8 (S, S, 3), the aligned face.
        avatar: uint8 (S, S, 3), as it is written.
        points: (468, 3) of the photo's face, in fractions of the frame.
        goal: (468, 3) of the avatar's face.
        person: float32 (s, s) 0..1, the person as the avatar shows it; None where nobody knows.
    """

    photo: Pixels
    avatar: Pixels
    points: NDArray[np.float64]
    goal: NDArray[np.float64]
    person: NDArray[np.float32] | None = None


def moved(picture: Pixels, displacement: Flow) -> Pixels:
    """A picture (S, S, 3) brought by a flow, without a loss of sharpness that would pulsate."""
    return warped(picture, displacement, cv2.INTER_CUBIC)


def flow_between(points: NDArray, target: NDArray) -> Flow:
    """The flow that brings a face from its points to others; nothing where they are the same."""
    if np.array_equal(points, target):
        return np.zeros((2, GRID, GRID), np.float32)
    return flow(points, target)


def with_still_ground(displacement: Flow, person: NDArray[np.float32] | None) -> Flow:
    """A flow that leaves the ground in its place, but for a soft rim around the person."""
    if person is None:
        return displacement
    grid = displacement.shape[-1]
    mask = cv2.resize(person, (grid, grid), interpolation=cv2.INTER_AREA)
    reach = 2 * round(_AROUND * grid) + 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    mask = cv2.GaussianBlur(mask, (0, 0), _AROUND * grid / 2, borderType=cv2.BORDER_REPLICATE)
    return unfolded(displacement * mask)
