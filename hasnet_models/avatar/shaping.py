"""Between the two networks: X_RT is brought to the reference's shape and gets its face's colours.

What TT-Net then sees, and its discriminator judges, has everything where the domain has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hasnet_models.avatar.look import Look
from hasnet_models.controls.tint import painted_map, shares_of, tinted_map
from hasnet_models.face.types import AlignedFace
from hasnet_models.opencv import cv2
from hasnet_models.plugins import Domain
from hasnet_models.plugins.reference import Reference
from hasnet_models.runtimes.arrays import brought_to, stacked
from hasnet_models.runtimes.contract import Planes, Runtime
from hasnet_models.topology.appearance import believed, evenly_lit, face_mask, placed
from hasnet_models.topology.by_colour import Heights, above
from hasnet_models.topology.flow import GRID, Flow, flow
from hasnet_models.topology.shape import Shape, mixed_shape, target
from hasnet_models.topology.strength import CHROMA, PATTERN, Shaping
from hasnet_models.topology.zones import ZONES, zone_maps

SIDE = 128  # at which maps and masks are laid on
_FACE_ZONES = slice(0, 3)  # skin, lips, eyes
# Share of TT-Net's residual that bare foreheads go without: where the domain has fringes or paint,
# which no photo shows the place of, it leaves streaks and blots.
_FOREHEAD_CALM = 0.9
_BROW_STEP = 0.02  # how softly that begins at the brows, in frames


@dataclass(frozen=True, eq=False)
class Guide:
    """What is done to the X_RT of one face.

    Attributes:
        flow: float32 (2, 64, 64), see `topology.flow`; all 0 leaves the face its own shape.
        person: float32 (128, 128) 0..1, how much of each pixel is a person, not yet warped.
        forehead: float32 (128, 128) 0..1, the bare skin above the brows, not yet warped.
        oval: float32 (32, 32) 0..1, the face as it is shaped.
        colours: uint8 (128, 128, 3), the reference's face in the place of this one.
        mask: float32 (128, 128) 0..1, where these colours are laid on; 0 everywhere for none.
    """

    flow: Flow
    person: np.ndarray
    forehead: np.ndarray
    oval: np.ndarray
    colours: np.ndarray
    mask: np.ndarray


def zones_of(face: AlignedFace) -> np.ndarray:
    """Zone maps (6, 32, 32) of a face, those of a mean one where nothing is known."""
    return zone_maps(None) if face.zones is None else face.zones


def guide(face: AlignedFace, reference: Reference, domain: Domain | None, look: Look) -> Guide:
    """How a face is to be brought to its reference; without a mesh it stays as it is."""
    zones = zones_of(face)
    still = np.zeros((2, GRID, GRID), np.float32)
    blank = np.zeros((SIDE, SIDE, 3), np.uint8)
    if face.mesh is None:
        oval = zones[_FACE_ZONES].sum(0)
        return Guide(still, _person(face), _forehead(face), oval, blank, blank[..., 0])
    points = face.mesh.points
    goal = goal_of(points, reference, domain, look)
    if goal is not points:
        still = flow(points, goal)
    colours, mask = blank, np.zeros((SIDE, SIDE), np.float32)
    appearance = appearance_of(reference, domain)
    if appearance is not None and look.colouring:
        appearance = with_own_colours(appearance, reference, look)
        colours = np.round(placed(evenly_lit(appearance), goal, SIDE)).astype(np.uint8)
        mask = face_mask(goal, SIDE)
    oval = zone_maps(goal)[_FACE_ZONES].sum(0)
    return Guide(still, _person(face), _forehead(face), oval, colours, mask)


def goal_of(
    points: np.ndarray, reference: Reference, domain: Domain | None, look: Look
) -> np.ndarray:
    """Where the points (468, 3) of a face go; the same object where it keeps its shape."""
    aim, strength = aimed_shape(reference, domain, look)
    if aim is None or not strength:
        return points
    return target(points, aim, strength=strength)


def aimed_shape(
    reference: Reference, domain: Domain | None, look: Look
) -> tuple[Shape | None, float]:
    """The shape to aim at and how far; None where neither reference nor domain has one."""
    shaping = Shaping() if domain is None else domain.shaping
    whole = None if domain is None else domain.reference_set.shape
    strength = look.shape_of(shaping.strength)
    if whole is None and reference.shape is None:
        return None, strength
    whole = np.zeros_like(reference.shape) if whole is None else whole
    return mixed_shape(whole, reference.shape, shaping.domain, shaping.own), strength


def appearance_of(reference: Reference, domain: Domain | None) -> np.ndarray | None:
    """The map (48, 48, 3) of a reference without what is foreign to its domain, or the domain's."""
    whole = None if domain is None else domain.reference_set
    if whole is None or whole.appearance is None or reference.appearance is None:
        return reference.appearance if whole is None else whole.appearance
    usual = whole.appearance_spread
    if usual is None:
        return reference.appearance
    return believed(reference.appearance, whole.appearance, usual)


def with_own_colours(appearance: np.ndarray, reference: Reference, look: Look) -> np.ndarray:
    """A map (48, 48, 3) in the user's palette, which the reference has already, and colours."""
    if look.palette is not None:
        appearance = painted_map(appearance, reference.palette, shares_of(reference))
    return tinted_map(appearance, look.colour) if look.colour else appearance


def shaped(runtime: Runtime, x_rt: Planes, guides: Sequence[Guide]) -> tuple[Planes, Planes]:
    """X_RT (B, 3, S, S) warped, and where TT-Net is to redraw it (B, 1, 128, 128), likewise.

    That is all over the person, less on a bare forehead.
    """
    masks = stacked([np.stack((one.person, one.forehead)) for one in guides])
    x_rt, masks = (warped(runtime, planes, guides) for planes in (x_rt, masks))
    persons = np.maximum(masks[:, :1], brought_to(ovals(guides), SIDE))
    return x_rt, persons * (1 - _FOREHEAD_CALM * masks[:, 1:])


def warped(runtime: Runtime, planes: Planes, guides: Sequence[Guide]) -> Planes:
    """Planes (B, C, s, s) as faces are shaped."""
    flows = stacked([one.flow for one in guides])
    return runtime.warp(planes, flows) if flows.any() else planes


def ovals(guides: Sequence[Guide]) -> Planes:
    """The faces as they are shaped, (B, 1, 32, 32)."""
    return stacked([one.oval[None] for one in guides])


def shaped_zones(
    runtime: Runtime, faces: Sequence[AlignedFace], guides: Sequence[Guide]
) -> list[np.ndarray]:
    """The zones of faces as these are shaped, float32 (6, 32, 32) each."""
    return list(warped(runtime, stacked([zones_of(face) for face in faces]), guides))


def coloured(
    runtime: Runtime, x_warp: Planes, guides: Sequence[Guide], chroma: float
) -> Planes:
    """The reference's colours laid over warped faces (B, 3, S, S); `chroma` 0..1."""
    masks = stacked([one.mask[None] for one in guides])
    if not (chroma and masks.any()):
        return x_warp
    colours = np.stack([one.colours for one in guides])
    return runtime.lay(x_warp, colours, masks, chroma, chroma * PATTERN / CHROMA)


def person_of(face: AlignedFace) -> np.ndarray:
    """The person mask (S, S) or, without one, all that is in no zone of the ground (32, 32)."""
    return 1 - zones_of(face)[ZONES.index("rest")] if face.person is None else face.person


def _forehead(face: AlignedFace) -> np.ndarray:
    skin = cv2.resize(zones_of(face)[ZONES.index("skin")], (SIDE, SIDE))
    points = None if face.mesh is None else face.mesh.points
    return (skin * above(Heights.of(points).brows, _BROW_STEP, SIDE)).astype(np.float32)


def _person(face: AlignedFace) -> np.ndarray:
    person = person_of(face)
    shrinking = cv2.INTER_AREA if len(person) > SIDE else cv2.INTER_LINEAR
    return cv2.resize(person, (SIDE, SIDE), interpolation=shrinking)
