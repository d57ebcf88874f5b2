"""What the user wants other than the reference has it: colours of zones, and what stays behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hasnet_models.avatar.look import Look
from hasnet_models.avatar.shaping import Guide, ovals, person_of, warped, zones_of
from hasnet_models.controls import dye
from hasnet_models.controls.fine_zones import fine_zones
from hasnet_models.controls.zone_choice import ALL
from hasnet_models.face.matte import foreground, matte
from hasnet_models.face.types import AlignedFace
from hasnet_models.once import once
from hasnet_models.runtimes.arrays import brought_to, from_pixels, stacked, to_pixels
from hasnet_models.runtimes.contract import Pixels, Planes, Runtime


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
    alpha = _matte_of(face) if look.cuts_out or look.keep else None
    person = alpha if look.cuts_out else None
    if not (look.colour or look.keep):
        return Wish(zones, person=person)
    fine = _fine_zones_of(face)
    return Wish(
        dye.dyed_zones(zones, fine, look.colour) if look.colour else zones,
        dye.lift(face.crop, fine, look.colour) if look.colour else None,
        dye.kept(fine, look.keep) if look.keep else None,
        _own(face.crop, alpha, look) if alpha is not None else None,
        person,
    )


@once
def _matte_of(face: AlignedFace) -> np.ndarray:
    return matte(person_of(face), face.crop)


@once
def _fine_zones_of(face: AlignedFace) -> np.ndarray:
    points = None if face.mesh is None else face.mesh.points
    return fine_zones(face.crop, points, face.person)


def _own(crop: np.ndarray, alpha: np.ndarray, look: Look) -> np.ndarray:
    """The colours to keep: the ground's too only where it keeps them itself."""
    if ALL in look.keep:
        return crop
    return foreground(crop, alpha).round().astype(np.uint8)


def lifts(wishes: Sequence[Wish], side: int) -> Planes:
    """What X_Sg, L / 50 - 1, is made lighter by where colours are wished for, (B, 1, side, side).

    (B, 1, 1, 1) where nobody wishes for any.
    """
    found = [one.lift[None] / 50 for one in wishes if one.lift is not None]
    if not found:
        return np.zeros((len(wishes), 1, 1, 1), np.float32)
    return brought_to(stacked(found), side)


def keeping(
    runtime: Runtime, guides: Sequence[Guide], wishes: Sequence[Wish]
) -> tuple[Pixels, Planes] | None:
    """The photos' colours (B, S, S, 3) and where they stay (B, 1, h, w), as faces are shaped."""
    pairs = [(one.own, one.kept[None]) for one in wishes if one.kept is not None]
    if not pairs:
        return None
    own, masks = zip(*pairs, strict=True)
    colours = warped(runtime, from_pixels(np.stack(own)), guides)
    return to_pixels(colours), warped(runtime, stacked(masks), guides)


def with_own_colours(
    runtime: Runtime, picture: Planes, own: tuple[Pixels, Planes] | None
) -> Planes:
    """A picture (B, 3, S, S) with the chroma of what `keeping` gave; its lightness stays."""
    return picture if own is None else runtime.lay(picture, *own, chroma=1.0, pattern=0.0)


def persons(
    runtime: Runtime, guides: Sequence[Guide], wishes: Sequence[Wish]
) -> list[np.ndarray] | list[None]:
    """What stands before the background of each face as it is shaped, uint8 (S, S)."""
    masks = [one.person[None] for one in wishes if one.person is not None]
    if not masks:
        return [None] * len(wishes)
    mattes = warped(runtime, stacked(masks), guides)
    whole = np.maximum(mattes, brought_to(ovals(guides), mattes.shape[-1])).clip(0, 1) * 255
    return list(whole[:, 0].round().astype(np.uint8))
