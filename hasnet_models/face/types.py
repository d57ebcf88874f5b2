"""The records that detection, alignment and pasting share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Face:
    """One detected face, in pixels of the picture.

    Attributes:
        box: float32 (4,), x1 y1 x2 y2; may reach beyond the picture.
        landmarks: float32 (5, 2): left eye, right eye, nose, left and right corner of the mouth,
            left and right as the viewer sees them.
        score: 0..1.
        sure: whether the detector takes it for a face; what is not may be shown, not relied on.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float
    sure: bool = True

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        x1, y1, x2, y2 = self.box
        return float(max(x2 - x1, 0) * max(y2 - y1, 0))


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """The geometry of a face.

    Attributes:
        points: float32 (468, 3). x to the right and y down in fractions of the frame's side (0 and
            1 are its edges, beyond them lies what the frame cuts off); z in the same unit, smaller
            is nearer. The order is MediaPipe's.
        score: 0..1, how surely there is a face.
        source: what placed the points: "mesh" (this network) or "boxes" (`topology.anime`).
    """

    points: NDArray[np.float32]
    score: float
    source: str = "mesh"


@dataclass(frozen=True, eq=False)
class AlignedFace:
    """A face cut out of a photo.

    Attributes:
        crop: uint8 (512, 512, 3).
        matrix: float64 (2, 3), photo to crop.
        face: what the detector found, or None if the frame was given by other means.
        mesh: its geometry, or None where that is not sure or was not looked for.
        person: float32 (S, S) 0..1, how much of each pixel is a person; None where that leaves out
            the face, or was not looked for.
        zones: float32 (6, 32, 32), see `topology.by_colour.seen_zones`; None as a mean
            face has them.
    """

    crop: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    face: Face | None = None
    mesh: FaceMesh | None = None
    person: NDArray[np.float32] | None = None
    zones: NDArray[np.float32] | None = None


class Detector(Protocol):
    """Anything that finds faces."""

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces in a uint8 (H, W, 3) picture, the largest first; empty if there are none."""
        ...
