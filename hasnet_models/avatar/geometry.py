"""What an aligned face is made of: its mesh, the person around it, and its zones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hasnet_models.face.align import transform
from hasnet_models.face.mesh import MeshFinder
from hasnet_models.face.person import PersonFinder
from hasnet_models.face.types import AlignedFace, FaceMesh
from hasnet_models.topology.points import EYES, MOUTH_CORNERS, NOSE_TIP
from hasnet_models.topology.zones import holds_face, zone_maps

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
        _ = self.meshes, self.persons
        return self

    @cached_property
    def meshes(self) -> MeshFinder:
        return MeshFinder(self.threads)

    @cached_property
    def persons(self) -> PersonFinder:
        return PersonFinder(self.threads)

    def known(self, aligned: AlignedFace) -> AlignedFace:
        """The same face with mesh, person mask and zones, some 10 ms; may run on any thread.

        Raises:
            WeightsError: a weight file is missing or damaged.
        """
        mesh = self.meshes.find(aligned.crop)
        if mesh is not None and astray(mesh, aligned):
            mesh = None
        points = None if mesh is None else mesh.points
        person = self.persons.mask(aligned.crop)
        if not holds_face(person, points):
            person = None
        return replace(aligned, mesh=mesh, person=person, zones=zone_maps(points, person))


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
