"""From the photo to the avatar and back: both are brought to a shape between theirs and mixed."""

from __future__ import annotations

import numpy as np

from hasnet_models.animation.scene import Pixels, Scene, flow_between, moved
from hasnet_models.animation.timing import there_and_back, times

SECONDS = 2.88
_REST = 0.16  # share of the loop at each end


def values() -> list[float]:
    """How much of the avatar each frame shows, 0..1."""
    return [there_and_back(time / SECONDS, _REST) for time in times(SECONDS)]


def frame(scene: Scene, share: float) -> Pixels:
    """The photo for 0, the avatar for 1; uint8 (S, S, 3)."""
    if share in (0, 1):
        return scene.avatar if share else scene.photo
    between = scene.points + share * (scene.goal - scene.points)
    photo = moved(scene.photo, flow_between(scene.points, between))
    avatar = moved(scene.avatar, flow_between(scene.goal, between))
    return (photo + share * (avatar.astype(np.float32) - photo) + 0.5).astype(np.uint8)
