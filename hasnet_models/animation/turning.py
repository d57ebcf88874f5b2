"""A slight turn of the head: the mesh has depth, and is turned about the axis between the ears."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.animation.scene import Pixels, Scene, flow_between, moved, with_still_ground
from hasnet_models.animation.timing import swing, times
from hasnet_models.topology.points import FACE_OVAL

SECONDS = 2.4
MOST = 8.0  # degrees to each side


def values() -> list[float]:
    """How far the head of each frame is turned, -1..1."""
    return [swing(time / SECONDS) for time in times(SECONDS)]


def frame(scene: Scene, turn: float) -> Pixels:
    """The avatar turned to one side (1) or the other (-1), uint8 (S, S, 3)."""
    if not turn:
        return scene.avatar
    displacement = flow_between(scene.goal, turned(scene.goal, turn * MOST))
    return moved(scene.avatar, with_still_ground(displacement, scene.person))


def turned(points: NDArray, degrees: float) -> NDArray[np.float64]:
    """Points (468, 3) turned about the vertical axis through the ears.

    Args:
        degrees: above 0 towards the viewer's right.
    """
    outline = np.asarray(points)[list(FACE_OVAL)]
    middle, behind = outline[:, 0].mean(), outline[:, 2].max()
    angle = np.deg2rad(degrees)
    across, ahead = points[:, 0] - middle, behind - points[:, 2]
    found = np.array(points, np.float64)
    found[:, 0] = middle + across * np.cos(angle) + ahead * np.sin(angle)
    found[:, 2] = behind - ahead * np.cos(angle) + across * np.sin(angle)
    return found
