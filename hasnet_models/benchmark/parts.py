"""The steps of one warm avatar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

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
from hasnet_models.networks import colour
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.networks.tt_net import content_features
from hasnet_models.opencv import cv2
from hasnet_models.plugins import Domain
from hasnet_models.topology.zones import zone_maps

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
    """Threads of torch and OpenCV."""
    torch.set_num_threads(count)
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
    with torch.inference_mode():
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
    return found if mesh is None else found | {"zones": lambda: zone_maps(mesh.points, face.person)}


@torch.inference_mode()
def _networks(pipeline: AvatarPipeline, face: AlignedFace, domain: Domain) -> dict[str, Step]:
    """The steps of `AvatarPipeline.render`, each on what the one before gave."""
    reference = domain.references[0]
    gray = colour.lightness(to_tensor(face.crop[None], pipeline.device))
    wish = wishes.wish(face, _LOOK)
    x_rt = pipeline.recoloured(gray, [reference], [wish])
    guide = shaping.guide(face, reference, domain, _LOOK)
    x_warp, person = shaping.shaped(x_rt, [guide])
    x_map = shaping.coloured(x_warp, [guide], APPEARANCE)
    content = content_features(pipeline.vgg, x_map, pipeline.tt.config)
    z_id = torch.from_numpy(reference.z_id)[None].to(pipeline.device)
    return {
        "RT-Net": lambda: pipeline.recoloured(gray, [reference], [wish]),
        "shape, flow, map": lambda: shaping.guide(face, reference, domain, _LOOK),
        "warp": lambda: shaping.shaped(x_rt, [guide]),
        "lay the map": lambda: shaping.coloured(x_warp, [guide], APPEARANCE),
        "VGG": lambda: content_features(pipeline.vgg, x_map, pipeline.tt.config),
        "TT-Net": lambda: pipeline.tt(x_map, content, z_id, person=person),
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
