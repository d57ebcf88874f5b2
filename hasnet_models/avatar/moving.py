"""An avatar as what can be animated."""

from __future__ import annotations

import numpy as np

from hasnet_models.animation.scene import Scene
from hasnet_models.avatar import shaping
from hasnet_models.avatar.geometry import Geometry
from hasnet_models.avatar.job import Job, Rendering
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import Request
from hasnet_models.controls.background_choice import TRANSPARENT
from hasnet_models.errors import NoFaceError, UsageError
from hasnet_models.face.align import resized
from hasnet_models.face.drawn import mesh_of
from hasnet_models.face.types import AlignedFace
from hasnet_models.image_io import Photo
from hasnet_models.topology.flow import flow, warped
from hasnet_models.topology.points import EYES

_NEAR = 0.03  # mean distance of points found in an avatar to where they should be, in frames

_NEAR_EYE = 0.08  # the same of an eye


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
    """The points (468, 3) of an avatar as they are found in it, else as they should be.

    The mesh does not know drawn eyes and finds them too small: the tallest that anyone says of an
    eye is believed, as long as it is in the same place.
    """
    geometry, found = Geometry(), goal.astype(np.float64)
    mesh, drawn = geometry.meshes.find(avatar), geometry.drawn_in(avatar)
    if mesh is not None and _distance(mesh.points, goal) < _NEAR:
        found = mesh.points.astype(np.float64)
    said = [goal]
    if drawn is not None:
        said.append(mesh_of(drawn, np.eye(2, 3), len(avatar)).points)
    for eye in map(list, EYES):
        near = [one[eye] for one in said if _distance(one[eye], found[eye]) < _NEAR_EYE]
        found[eye, :2] = max([found[eye], *near], key=_height)[:, :2]
    return found


def _height(points: np.ndarray) -> float:
    return float(np.ptp(points[:, 1]))


def _distance(points: np.ndarray, others: np.ndarray) -> float:
    """Mean distance in the picture, in frames."""
    return float(np.linalg.norm((points - others)[:, :2], axis=1).mean())
