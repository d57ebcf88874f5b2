"""What an aligned face is made of: its mesh, the person around it, and its zones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hasnet_models.face.align import warp
from hasnet_models.face.drawn import (
    MINIMUM_SCORE,
    TEMPLATE,
    TYPICAL,
    WINDOW,
    DrawnFace,
    DrawnFaceFinder,
    mesh_of,
    template_similarity,
)
from hasnet_models.face.mesh import MeshFinder
from hasnet_models.face.person import PersonFinder
from hasnet_models.face.types import AlignedFace, FaceMesh
from hasnet_models.frame import fit_similarity, transform
from hasnet_models.topology.by_colour import seen_zones
from hasnet_models.topology.points import EYES, MOUTH_CORNERS, NOSE_TIP
from hasnet_models.topology.zones import holds_face

ASTRAY = 0.12  # mean distance of a mesh to the landmarks from which it is another face's, in frames


@dataclass
class Geometry:
    """Fills what is known of aligned faces; the networks are opened at the first one, or before.

    Attributes:
        threads: of onnxruntime.
    """

    threads: int = 1

    def open(self) -> Geometry:
        """Opens the networks now.

        Raises:
            WeightsError: a weight file is missing or damaged.
        """
        _ = self.meshes, self.persons, self.drawn
        return self

    @cached_property
    def meshes(self) -> MeshFinder:
        return MeshFinder(self.threads)

    @cached_property
    def drawn(self) -> DrawnFaceFinder:
        return DrawnFaceFinder(self.threads)

    @cached_property
    def persons(self) -> PersonFinder:
        return PersonFinder(self.threads)

    def known(self, aligned: AlignedFace, rgb: np.ndarray | None = None) -> AlignedFace:
        """The same face with mesh, person mask and zones, some 25 ms; may run on any thread.

        A drawn face, whose landmarks no detector of photographed ones places well, is aligned anew
        by its own points.

        Args:
            rgb: uint8 (H, W, 3), what the face was cut out of; None to cut it out of its crop.

        Raises:
            WeightsError: a weight file is missing or damaged.
        """
        drawn = self.drawn_in(aligned.crop)
        if drawn is None:
            mesh = self.meshes.find(aligned.crop)
            mesh = None if mesh is not None and astray(mesh, aligned) else mesh
        else:
            aligned = realigned(aligned, drawn, rgb)
            mesh = mesh_of(drawn, template_similarity(drawn))
        points = None if mesh is None else mesh.points
        person = self.persons.mask(aligned.crop)
        if not holds_face(person, points):
            person = None
        zones = seen_zones(aligned.crop, points, person)
        return replace(aligned, mesh=mesh, person=person, zones=zones)

    def drawn_in(self, crop: np.ndarray) -> DrawnFace | None:
        """The drawn face that fills a crop, as detectors align it or as anime sets do, or None."""
        places = TEMPLATE, TYPICAL
        windows = [fit_similarity(place * len(crop), TYPICAL * WINDOW) for place in places]
        best = max(self.drawn.read(crop, windows), key=lambda drawn: drawn.score)
        return best if best.score >= MINIMUM_SCORE else None


def realigned(aligned: AlignedFace, drawn: DrawnFace, rgb: np.ndarray | None) -> AlignedFace:
    """The face cut out anew, so that its drawn points come to the template."""
    step = template_similarity(drawn)
    whole = step @ np.vstack([aligned.matrix, [0, 0, 1]])
    crop = warp(aligned.crop, step) if rgb is None else warp(rgb, whole)
    return AlignedFace(crop, whole, aligned.face)


def astray(mesh: FaceMesh, aligned: AlignedFace) -> bool:
    """Whether a mesh lies on another face than the one that was cut out."""
    if aligned.face is None:
        return False
    landmarks = transform(aligned.face.landmarks, aligned.matrix) / len(aligned.crop)
    return bool(np.linalg.norm(five_points(mesh) - landmarks, axis=1).mean() > ASTRAY)


def five_points(mesh: FaceMesh) -> np.ndarray:
    """Eyes, nose, corners of the mouth (5, 2) as detectors give them."""
    points = mesh.points[:, :2]
    eyes = [points[list(eye)].mean(0) for eye in EYES]
    return np.array([*eyes, points[NOSE_TIP], *points[list(MOUTH_CORNERS)]])
