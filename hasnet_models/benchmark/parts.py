"""The steps of one warm avatar."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hasnet_models import threads
from hasnet_models.avatar import shaping, wishes
from hasnet_models.avatar.layer import layer_of
from hasnet_models.avatar.look import APPEARANCE, Look
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.benchmark.clock import median, pair
from hasnet_models.face.align import resized
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.search import locate
from hasnet_models.face.types import AlignedFace
from hasnet_models.image_io import Photo
from hasnet_models.opencv import cv2
from hasnet_models.plugins import Domain
from hasnet_models.topology.by_colour import seen_zones

AUTO = FaceChoice()
_LOOK = Look()

Step = Callable[[], object]


@dataclass(frozen=True)
class Part:
    """A step of an avatar.

    Attributes:
        seconds: the median.
        inside: whether it is one of those that make up the step before it.
    """

    name: str
    seconds: float
    inside: bool = False


def limit_threads(count: int) -> None:
    """Threads of the networks, which are loaded later, and of OpenCV."""
    for name in threads.VARIABLES:
        os.environ[name] = str(count)
    cv2.setNumThreads(count)


def parts(
    pipeline: AvatarPipeline, photo: Photo, domain: Domain, runs: int, choice: FaceChoice = AUTO
) -> list[Part]:
    """Median seconds of each step; those that are not inside another make up the avatar.

    Raises:
        NoFaceError: the photo has no face.
    """
    aligned, _ = locate(photo, choice, pipeline.detector)
    face = pipeline.geometry.known(aligned)
    drawn, layer = pipeline.render(face, domain.references[0], domain), layer_of(_LOOK, domain)
    found: list[tuple[str, Step, dict[str, Step]]] = [
        ("detect and align", lambda: locate(photo, choice, pipeline.detector), {}),
        ("z_id of the source", lambda: pipeline.embed(face.crop), {}),
        ("geometry", lambda: pipeline.geometry.known(aligned), _geometry(pipeline, face)),
        (
            "face to avatar", lambda: pipeline.render(face, domain.references[0], domain),
            _networks(pipeline, face, domain),
        ),
    ]  # fmt: skip
    if layer:
        found.append(("medium", lambda: layer.on_face(drawn.x_tt, drawn), {}))
    listed: list[Part] = []
    for name, whole, inner in found:
        listed.append(Part(name, median(whole, runs)))
        listed += (Part(step, median(run, runs), True) for step, run in inner.items())
    return listed


def _geometry(pipeline: AvatarPipeline, face: AlignedFace) -> dict[str, Step]:
    mesh = face.mesh
    found: dict[str, Step] = {
        "mesh": lambda: pipeline.geometry.meshes.find(face.crop),
        "person": lambda: pipeline.geometry.persons.mask(face.crop),
    }
    points = None if mesh is None else mesh.points
    return found | {"zones": lambda: seen_zones(face.crop, points, face.person)}


def _networks(pipeline: AvatarPipeline, face: AlignedFace, domain: Domain) -> dict[str, Step]:
    """The steps of `AvatarPipeline.render`, each on what the one before gave."""
    reference = domain.references[0]
    run, crops, wish = pipeline.runtime, face.crop[None], wishes.wish(face, _LOOK)
    _, x_rt = pipeline.recoloured(crops, [reference], [wish])
    guide = shaping.guide(face, reference, domain, _LOOK)
    x_warp, person = shaping.shaped(run, x_rt, [guide])
    x_map = shaping.coloured(run, x_warp, [guide], APPEARANCE)
    z_id, code = reference.z_id[None], np.zeros((1, len(run.domains)), np.float32)
    oval = shaping.ovals([guide])
    return {
        "RT-Net": lambda: pipeline.recoloured(crops, [reference], [wish]),
        "shape, flow, map": lambda: shaping.guide(face, reference, domain, _LOOK),
        "warp": lambda: shaping.shaped(run, x_rt, [guide]),
        "lay the map": lambda: shaping.coloured(run, x_warp, [guide], APPEARANCE),
        "VGG and TT-Net": lambda: run.redraw(x_map, z_id, code, person, oval),
    }


def medium_share(
    pipeline: AvatarPipeline, photo: Photo, domain: Domain, size: int, runs: int,
    choice: FaceChoice = AUTO,
) -> float:  # fmt: skip
    """The medium's time at `size` px as a share of the networks'; 0 where there is none."""
    layer = layer_of(_LOOK, domain)
    if layer is None:
        return 0.0
    face, reference = pipeline.crop(photo, choice)[0], domain.references[0]
    steps = pipeline.render(face, reference, domain)
    large = resized(steps.x_tt, size)
    return pair(
        lambda: pipeline.render(face, reference, domain),
        lambda: layer.on_face(large, steps), runs,
    ).ratio  # fmt: skip
