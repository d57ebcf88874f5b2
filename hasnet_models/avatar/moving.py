"""An avatar as what can be animated."""

from __future__ import annotations

import numpy as np

from hasnet_models.animation.scene import Scene
from hasnet_models.avatar import shaping
from hasnet_models.avatar.job import Job, Rendering
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import Request
from hasnet_models.controls.background_choice import TRANSPARENT
from hasnet_models.errors import NoFaceError, UsageError
from hasnet_models.face.align import resized
from hasnet_models.face.mesh import MeshFinder
from hasnet_models.face.types import AlignedFace
from hasnet_models.image_io import Photo
from hasnet_models.topology.flow import flow, warped

_NEAR = 0.03  # mean distance of the mesh found in an avatar to where it should be, in frames


def check_moving(request: Request) -> None:
    """Raises UsageError where what is asked for cannot be animated."""
    if request.paste:
        raise UsageError(
            "An animation shows the face alone.", "Leave out paste.", parameters=("paste",)
        )
    if request.several:
        raise UsageError(
            "An animation shows one face.", "Choose one with face=N.", parameters=("face",)
        )
    if request.look.background.kind == TRANSPARENT:
        raise UsageError(
            "An animation has no transparent background.",
            "Choose another background.",
            parameters=("background",),
        )


def moving_portrait(job: Job, photo: Photo) -> tuple[Portrait, Scene]:
    """The avatar of a photo, and what of it can be animated.

    Raises:
        NoFaceError: there is no face, or its mesh is not sure.
    """
    cut = job.cut(photo)
    (face,) = cut.faces
    if face.mesh is None:
        raise NoFaceError(
            f"The face in {photo.name} has no mesh that is sure, so it cannot be animated."
        )
    (rendering,) = job.render([cut])[0]
    (portrait,) = job.finish(cut, [rendering])
    return portrait, scene_of(job, face, rendering, portrait)


def scene_of(job: Job, face: AlignedFace, rendering: Rendering, portrait: Portrait) -> Scene:
    """The scene of a face with a mesh."""
    assert face.mesh is not None
    points, look = face.mesh.points, job.request.look
    goal = shaping.goal_of(points, rendering.reference, job.domain, look)
    person = face.person
    if person is not None and not np.array_equal(goal, points):
        person = warped(person, flow(points, goal))
    photo = resized(face.crop, len(portrait.array))
    goal = as_drawn(rendering.steps.x_tt, goal)
    return Scene(photo, portrait.array, points.astype(np.float64), goal, person)


def as_drawn(avatar: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """The points of an avatar as a mesh is found in it, or as they should be (468, 3)."""
    mesh = MeshFinder().find(avatar)
    if mesh is None or np.linalg.norm((mesh.points - goal)[:, :2], axis=1).mean() > _NEAR:
        return goal.astype(np.float64)
    return mesh.points.astype(np.float64)
