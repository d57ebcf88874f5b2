"""The vectors that training needs of every face, and which networks they come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from hasnet_models.data.parts import packed, unpacked
from hasnet_models.data.vectors import GIVEN, PALETTES, VectorKind, VectorTable
from hasnet_models.face import mesh, person
from hasnet_models.networks import identity
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.palette import COLOURS
from hasnet_models.topology import appearance, by_colour, zones
from hasnet_models.weights import files, load
from hasnet_models.weights.digests import sha256_of

_IDENTITY = "mobilefacenet.safetensors"
MESH_SHAPE = (mesh.POINTS + 1, 3)
PERSON_SIDE = 64
PERSON_SHAPE = (PERSON_SIDE, PERSON_SIDE)


def vector_table(device: torch.device, placed: bool = False) -> VectorTable:
    """The kinds by name, see :mod:`hasnet_models.data.vectors`; one more is one more entry.

    Args:
        placed: with what says where things are on a face: :func:`meshes` and what follows from it.

    Raises:
        WeightsError: a network's weights are missing or damaged.
    """
    table = {"palettes": PALETTES, "z_ids": z_ids(device)}
    if not placed:
        return table
    return {**table, "meshes": meshes(), "persons": persons(), **FROM_MESHES}


def z_ids(device: torch.device) -> VectorKind:
    """z_id by the identity network; kept by the sha256 of its weight file."""
    return VectorKind(_digest(_IDENTITY), "float32", (identity.EMBEDDING_SIZE,), _embedder(device))


def meshes() -> VectorKind:
    """Points and score of each face, see :func:`hasnet_models.data.parts.packed`.

    Where the parts of a face are given they are taken, else the network's best find.
    """
    finder = mesh.MeshFinder()

    def look(faces: np.ndarray, given: np.ndarray) -> np.ndarray:
        return np.stack([_look(finder, *pair) for pair in zip(faces, given, strict=True)])

    return VectorKind(_digest(mesh.WEIGHTS), "float32", MESH_SHAPE, look, (GIVEN,))


def persons() -> VectorKind:
    """Person masks, uint8 (64, 64)."""
    finder = person.PersonFinder()

    def masks(faces: np.ndarray) -> np.ndarray:
        return np.stack([_fractions(_halved(finder.mask(face))) for face in faces])

    return VectorKind(_digest(person.WEIGHTS), "uint8", PERSON_SHAPE, masks)


def usable(packed_mesh: np.ndarray) -> np.ndarray | None:
    """The points (468, 3) of a mesh whose score is high enough, else None."""
    points, score = unpacked(packed_mesh)
    return points if score >= mesh.MINIMUM_SCORE else None


def zones_of(faces: np.ndarray, found: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Zone maps of faces as photos have them when the networks are run, uint8 (B, 6, 32, 32)."""
    return np.stack(
        [_fractions(_seen(*each)) for each in zip(faces, found, masks, strict=True)]
    )


def shares_of(
    faces: np.ndarray, palettes: np.ndarray, found: np.ndarray, masks: np.ndarray
) -> np.ndarray:
    """Which of a palette's colours lie in which zone, float32 (B, 20, 6).

    By the zones of the mesh and the person alone, as references have them.
    """
    rows = []
    for face, palette, face_mesh, mask in zip(faces, palettes, found, masks, strict=True):
        points = usable(face_mesh)
        maps = zones.zone_maps(points, mask / np.float32(255))
        rows.append(zones.shares(face, palette, maps, zones.eye_line(points)))
    return np.stack(rows)


def maps_of(faces: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Appearance maps, uint8 (B, 48, 48, 3); black where there is no mesh."""
    rows = np.zeros((len(faces), appearance.SIDE, appearance.SIDE, 3), np.uint8)
    for i, points in enumerate(map(usable, found)):
        if points is not None:
            rows[i] = appearance.appearance_map(faces[i], points)
    return rows


_ZONE_SHAPE = (len(zones.ZONES), zones.SIDE, zones.SIDE)
_ZONES, _MAP = f"version {zones.VERSION}", f"version {appearance.VERSION}"
_SEEN = f"{_ZONES}, by colour {by_colour.VERSION}"
FROM_MESHES: VectorTable = {
    "zones": VectorKind(_SEEN, "uint8", _ZONE_SHAPE, zones_of, ("meshes", "persons")),
    "shares": VectorKind(
        _ZONES, "float32", (COLOURS, len(zones.ZONES)), shares_of, ("palettes", "meshes", "persons")
    ),
    "maps": VectorKind(_MAP, "uint8", (appearance.SIDE, appearance.SIDE, 3), maps_of, ("meshes",)),
}


def _seen(face: np.ndarray, packed_mesh: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The zones (6, 32, 32) of a face with its person mask, uint8 (64, 64)."""
    points, person = usable(packed_mesh), mask / np.float32(255)
    return by_colour.seen_zones(face, points, person if zones.holds_face(person, points) else None)


def _look(finder: mesh.MeshFinder, face: np.ndarray, given: np.ndarray) -> np.ndarray:
    if not np.isnan(given).any():
        return given
    found = finder.look(face)
    return packed(found.points, found.score)


def _halved(mask: np.ndarray) -> np.ndarray:
    """A square mask averaged over cells to PERSON_SIDE."""
    k = len(mask) // PERSON_SIDE
    return mask.reshape(PERSON_SIDE, k, PERSON_SIDE, k).mean((1, 3))


def _fractions(values: np.ndarray) -> np.ndarray:
    """0..1 as 0..255."""
    return np.round(values * 255).astype(np.uint8)


def _digest(weights: str) -> str:
    return sha256_of(files.weight_path(weights))


def _embedder(device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    """z_id of uint8 (B, S, S, 3) aligned faces as float32 (B, 192), by the identity network."""
    net = load.load_identity().to(device)

    @torch.no_grad()
    def embed(faces: np.ndarray) -> np.ndarray:
        return identity.embed(net, to_tensor(faces, device)).cpu().numpy()

    return embed
