"""Avatars from Python, in three lines::

    from hasnet_models import Avatar
    avatar = Avatar(domain="sketch")
    avatar("me.jpg").save("out.png")
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hasnet_models import image_io
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import RANDOM, Request
from hasnet_models.avatar.steps import Pipeline
from hasnet_models.controls.background_choice import Background
from hasnet_models.controls.mix_choice import MixChoice
from hasnet_models.controls.zone_choice import parse_colours, parse_keep
from hasnet_models.errors import UsageError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.image_io import Photo
from hasnet_models.plugins import discover
from hasnet_models.restoring import choice as restoring

Array = NDArray[np.uint8]
Picture = str | PathLike[str] | Image.Image | Array


class Avatar:
    """Makes avatars of one look. The networks are loaded at the first picture, and kept.

    Args:
        domain: an installed domain, the path of a domain's folder (beginning with "." or "~", or
            absolute), "none" for the base network, or None with `ref` for the nearest one.
        ref: a picture whose colours and identity are taken.
        reference: which of the domain's references: a number from 1, a name, "likest" (default)
            or "random": a choice by chance for each picture, always the same for the same
            pixels and seed.
        seed: of "random".
        face: "auto", "largest", "aligned", a number from the left, "like:PICTURE" or "x,y,w,h";
            "all" with `paste`.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        backend: face detector, "embedded" or "insightface".
        runtime: what computes the networks, "onnx", "torch" or "auto": onnx on the CPU.
        paste: give the whole photo with its avatar in it.
        size: side of the avatar in pixels, None for 512.
        strength: 0 takes only the reference's colours, 1 the whole effect.
        shape: how far the face takes the reference's shape, 0..1.5; None for what the domain says.
        appearance: how far its colours go where the reference's face has them, 0..1; None for 0.8.
        medium: how strongly strokes, lines, paper and grain are laid, 0..1.5; None for 1.
        medium_kind: what it is made in, such as "pencil" or "paint", "none" for the network's
            picture alone; None for what the domain says.
        medium_all: with `paste`, the medium covers the whole photo.
        mix: references of the domain with weights, in place of one: {"1": 0.7, "sketch-03": 0.3}.
        restore: what makes weak faces better: "auto", "off" or the path of an ONNX file.
        palette: a file whose colours stand for the reference's: GIMP's .gpl, JSON, a picture.
        colour: colours of zones: {"hair": "#3060a0", "lips": "crimson"}.
        keep: zones that have the photo's own colours: "skin", "lips", "eyes", "hair" or "all",
            several with commas.
        background: "keep", "transparent", "blur", a colour or the path of a picture.
        say: takes notes on the choice of domain and reference; None drops them.

    Raises:
        UsageError: the arguments contradict each other.
    """

    def __init__(
        self,
        domain: str | None = None,
        *,
        ref: str | PathLike[str] | None = None,
        reference: str | int | None = None,
        seed: int | None = None,
        face: str = "auto",
        device: str = "auto",
        backend: str = "embedded",
        runtime: str = "auto",
        paste: bool = False,
        size: int | None = None,
        strength: float = 1.0,
        shape: float | None = None,
        appearance: float | None = None,
        medium: float | None = None,
        medium_kind: str | None = None,
        medium_all: bool = False,
        mix: Mapping[str | int, float] | None = None,
        restore: str | PathLike[str] = restoring.DEFAULT,
        palette: str | PathLike[str] | None = None,
        colour: Mapping[str, str] | None = None,
        keep: str = "",
        background: str | PathLike[str] = "keep",
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._request = Request(
            domain=domain,
            ref=None if ref is None else str(ref),
            reference=None if reference is None else str(reference),
            seed=seed,
            face=FaceChoice.parse(face),
            device=device,
            backend=backend,
            runtime=runtime,
            paste=paste,
            size=size,
            medium_all=medium_all,
            mix=None if mix is None else MixChoice.of(mix),
            restore=str(restore),
            look=Look(
                shape=shape,
                appearance=appearance,
                strength=strength,
                medium=medium,
                medium_kind=medium_kind,
                palette=None if palette is None else str(palette),
                colour=parse_colours(f"{zone}={code}" for zone, code in (colour or {}).items()),
                keep=parse_keep([keep] if keep else []),
                background=Background.parse(str(background)),
            ),
        )
        self._request.check()
        if self._request.several:
            raise UsageError(
                "All faces of a photo are several avatars.",
                "Give paste=True beside face=all.",
                parameters=("paste", "face"),
            )
        self._say = say or (lambda _text: None)

    @cached_property
    def _job(self) -> Job:
        return Job.start(self._request, discover(), _load, self._say)

    @overload
    def __call__(self, picture: str | PathLike[str]) -> Portrait: ...
    @overload
    def __call__(self, picture: Image.Image) -> Image.Image: ...
    @overload
    def __call__(self, picture: Array) -> Array: ...
    def __call__(self, picture: Picture) -> Portrait | Image.Image | Array:
        """The avatar of a picture, of the picture's own kind.

        Args:
            picture: a path gives a `Portrait` (with `save`), a Pillow picture of any mode gives one
                in RGB, a uint8 array (H, W, 3) or (H, W) in sRGB gives an array (H', W', 3). With a
                transparent background they have alpha, RGBA and (H', W', 4).

        Raises:
            HasnetError: of the kind that fits; all are in `hasnet_models.errors`.
        """
        portrait = self.make(picture)
        if isinstance(picture, Image.Image):
            return portrait.image
        return portrait.pixels if isinstance(picture, np.ndarray) else portrait

    def make(self, picture: Picture) -> Portrait:
        """As calling, with all that is known of the avatar, whatever the picture's kind."""
        photo = _photo(picture)
        by_chance = self._request.reference == RANDOM
        return self._job.make(photo, _key_of(photo) if by_chance else "")


@functools.lru_cache(maxsize=1)
def _load(device: str, backend: str, runtime: str) -> Pipeline:
    """Shared by all looks on a device."""
    from hasnet_models.avatar.pipeline import AvatarPipeline

    return AvatarPipeline.load(device, backend, runtime)


def _key_of(photo: Photo) -> str:
    """What chance goes by: the pixels, so that neither order nor name of pictures matters."""
    return hashlib.sha256(np.ascontiguousarray(photo.rgb)).hexdigest()


def _photo(picture: Picture) -> Photo:
    if isinstance(picture, Image.Image):
        return image_io.from_pillow(picture)
    if not isinstance(picture, np.ndarray):
        return image_io.read(Path(picture))
    rgb = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise UsageError(
            f"A picture as an array is uint8 (H, W, 3) or (H, W), not {picture.dtype} "
            f"{picture.shape}."
        )
    return Photo(np.ascontiguousarray(rgb))
