"""What is taken from a picture of another visual world: an aligned face becomes a reference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hasnet_models import palette
from hasnet_models.face.types import AlignedFace
from hasnet_models.plugins.reference import Reference
from hasnet_models.topology.appearance import appearance_map
from hasnet_models.topology.shape import OWN_SCORE, face_shape
from hasnet_models.topology.zones import eye_line, zone_maps
from hasnet_models.topology.zones import shares as shares_in

Embed = Callable[[np.ndarray], np.ndarray]


def reference_of(
    face: AlignedFace, name: str, embed: Embed, *, licence: str = "", source: str = ""
) -> Reference:
    """The record of an aligned face; shape and appearance where its mesh is sure.

    Args:
        embed: z_id of a crop, uint8 (S, S, 3) -> float32 (D,) of unit length.
    """
    points = None if face.mesh is None else face.mesh.points
    colours, shares = palette_of(face)
    sure = is_sure(face)
    return Reference(
        name,
        colours,
        embed(face.crop),
        licence=licence,
        source=source,
        shares=shares,
        shape=face_shape(points).astype(np.float32) if sure else None,
        appearance=appearance_map(face.crop, points) if sure else None,
    )


def palette_of(face: AlignedFace) -> tuple[np.ndarray, np.ndarray]:
    """The palette uint8 (20, 3) of an aligned face and its shares float32 (20, 6)."""
    points = None if face.mesh is None else face.mesh.points
    colours = palette.extract(face.crop)
    return colours, shares_in(face.crop, colours, zone_maps(points, face.person), eye_line(points))


def is_sure(face: AlignedFace) -> bool:
    """Whether a face's own shape and appearance are to be believed."""
    return face.mesh is not None and face.mesh.score >= OWN_SCORE
