"""What the networks make of a face, and what a job wants of whatever runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hasnet_models.avatar.look import Look
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.types import AlignedFace, Face
from hasnet_models.image_io import Photo
from hasnet_models.plugins import Domain
from hasnet_models.plugins.reference import Reference

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Steps:
    """The stages of one avatar, each uint8 (512, 512, 3); and what of it is no background.

    Attributes:
        source: the aligned face.
        gray: what RT-Net recolours.
        x_rt: recoloured.
        x_warp: in the reference's shape.
        x_map: with its colours where they lie on its face: what TT-Net redraws.
        x_tt: the avatar.
        medium: the avatar in its medium, as it is written; None where there is none.
        zones: float32 (6, 32, 32), see `topology.zones`, of the avatar; None where nobody said.
        person: uint8 (512, 512), how much of each pixel is a person; None where nobody asked.
        seed: of the medium's strokes and grain; None for one of the source's own pixels.
    """

    source: Pixels
    gray: Pixels
    x_rt: Pixels
    x_warp: Pixels
    x_map: Pixels
    x_tt: Pixels
    medium: Pixels | None = None
    zones: NDArray[np.float32] | None = None
    person: Pixels | None = None
    seed: int | None = None


STAGES = ("source", "gray", "X_RT", "X_RT warped", "X_RT with map", "X_TT", "medium")


def stages(steps: Steps) -> tuple[Pixels, ...]:
    """The pictures of `STAGES`; without a medium the last is missing."""
    found = (steps.source, steps.gray, steps.x_rt, steps.x_warp, steps.x_map, steps.x_tt)
    return found if steps.medium is None else (*found, steps.medium)


def weakened(steps: Steps, strength: float) -> Steps:
    """The avatar drawn back towards what TT-Net began with: 0 is that, 1 is the whole effect."""
    if strength == 1:
        return steps
    mixed = steps.x_map + strength * (steps.x_tt.astype(np.float32) - steps.x_map)
    return replace(steps, x_tt=mixed.round().astype(np.uint8))


class Pipeline(Protocol):
    """Photos to aligned faces, pictures to references, faces to avatars.

    `avatar.pipeline.AvatarPipeline` has the networks; tests have one without.

    Attributes:
        device: where the networks compute.
        runtime_name: what computes them.
    """

    @property
    def device(self) -> str: ...
    @property
    def runtime_name(self) -> str: ...

    def crops(
        self, photo: Photo, choice: FaceChoice, like: np.ndarray | None = None
    ) -> tuple[list[AlignedFace], list[str]]:
        """The chosen faces of a photo, at least one, and notes for the user."""
        ...

    def detect(self, rgb: Pixels) -> list[Face]:
        """All faces of a picture (H, W, 3), not cut out, the largest first."""
        ...

    def known(self, aligned: AlignedFace, rgb: Pixels) -> AlignedFace:
        """A face that was cut out of `rgb`, with its geometry."""
        ...

    def reference_from_image(
        self, photo: Photo, choice: FaceChoice = ...
    ) -> tuple[Reference, list[str]]:
        """Palette and z_id of a picture, and notes for the user."""
        ...

    def person_mask(self, photo: Photo) -> np.ndarray:
        """The persons of a whole photo, float32 (h, w) 0..1, of its frame and of any size."""
        ...

    def embed(self, crop: Pixels) -> np.ndarray:
        """z_id of an aligned face, float32 (D,) of unit length."""
        ...

    def nearest_domain(self, reference: Reference, domains: Sequence[Domain]) -> Domain | None:
        """The domain whose references are most like this one; None where all are far."""
        ...

    def render_many(
        self,
        faces: Sequence[AlignedFace],
        references: Sequence[Reference],
        domain: Domain | None,
        look: Look,
    ) -> list[Steps]:
        """Avatars of some faces, a reference for each, in one call of the networks.

        They are whole: `look.strength` has weakened shape and colouring, but not yet the avatar.
        """
        ...
