"""What the user wants other than the reference has it: colours of zones, and what stays behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hasnet_models.avatar.look import Look
from hasnet_models.avatar.shaping import Guide, person_of, stacked, zones_of
from hasnet_models.controls import dye
from hasnet_models.controls.fine_zones import fine_zones
from hasnet_models.controls.zone_choice import ALL
from hasnet_models.face.matte import foreground, matte
from hasnet_models.face.types import AlignedFace
from hasnet_models.networks.appearance import lay
from hasnet_models.networks.rt_net import bring_to
from hasnet_models.networks.tensors import CPU, to_tensor
from hasnet_models.networks.warp import warp


@dataclass(frozen=True, eq=False)
class Wish:
    """What is done to one face besides.

    Attributes:
        zones: float32 (6, h, w), for RT-Net.
        lift: float32 (256, 256), how much lighter the face is made first, in L; None for nowhere.
        kept: float32 (256, 256) 0..1, what keeps the photo's colours; None for nothing.
        own: uint8 (S, S, 3), these colours, the ground's not among hair; None for nothing.
        person: float32 (S, S) 0..1, what stands before the background; None where that stays.
    """

    zones: np.ndarray
    lift: np.ndarray | None = None
    kept: np.ndarray | None = None
    own: np.ndarray | None = None
    person: np.ndarray | None = None


def wish(face: AlignedFace, look: Look) -> Wish:
    """What a look wants of a face; without such controls nothing is computed."""
    zones = zones_of(face)
    alpha = matte(person_of(face), face.crop) if look.cuts_out or look.keep else None
    person = alpha if look.cuts_out else None
    if not (look.colour or look.keep):
        return Wish(zones, person=person)
    points = None if face.mesh is None else face.mesh.points
    fine = fine_zones(face.crop, points, face.person)
    return Wish(
        dye.dyed_zones(zones, fine, look.colour) if look.colour else zones,
        dye.lift(face.crop, fine, look.colour) if look.colour else None,
        dye.kept(fine, look.keep) if look.keep else None,
        _own(face.crop, alpha, look) if alpha is not None else None,
        person,
    )


def _own(crop: np.ndarray, alpha: np.ndarray, look: Look) -> np.ndarray:
    """The colours to keep: the ground's too only where it keeps them itself."""
    if ALL in look.keep:
        return crop
    return foreground(crop, alpha).round().astype(np.uint8)


def lifted(gray: Tensor, wishes: Sequence[Wish]) -> Tensor:
    """X_Sg (B, 1, S, S), L / 50 - 1, made lighter or darker where colours are wished for."""
    lifts = [one.lift[None] / 50 for one in wishes if one.lift is not None]
    if not lifts:
        return gray
    return (gray + bring_to(stacked(lifts, gray.device), gray)).clamp(-1, 1)


def keeping(
    guides: Sequence[Guide], wishes: Sequence[Wish], device: torch.device
) -> tuple[Tensor, Tensor] | None:
    """The photos' colours (B, 3, S, S) and where they stay (B, 1, h, w), as faces are shaped."""
    pairs = [(one.own, one.kept[None]) for one in wishes if one.kept is not None]
    if not pairs:
        return None
    flows = stacked([one.flow for one in guides], device)
    own, masks = zip(*pairs, strict=True)
    return warp(to_tensor(np.stack(own), device), flows), warp(stacked(masks, device), flows)


def with_own_colours(picture: Tensor, own: tuple[Tensor, Tensor] | None) -> Tensor:
    """A picture (B, 3, S, S) with the chroma of what `keeping` gave; its lightness stays."""
    return picture if own is None else lay(picture, *own, chroma=1.0, pattern=0.0)


def persons(guides: Sequence[Guide], wishes: Sequence[Wish]) -> list[np.ndarray] | list[None]:
    """What stands before the background of each face as it is shaped, uint8 (S, S)."""
    masks = [one.person[None] for one in wishes if one.person is not None]
    if not masks:
        return [None] * len(wishes)
    flows = stacked([one.flow for one in guides], CPU)
    mattes = warp(stacked(masks, CPU), flows)
    ovals = bring_to(stacked([one.oval[None] for one in guides], CPU), mattes)
    whole = torch.maximum(mattes, ovals).clamp(0, 1) * 255
    return list(whole[:, 0].round().byte().numpy())
