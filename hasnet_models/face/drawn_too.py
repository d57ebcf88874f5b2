"""A detector of photographed faces that finds drawn ones where none of those is sure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.crowd import detect_all
from hasnet_models.face.drawn import DrawnFace, DrawnFaceFinder, template_similarity
from hasnet_models.face.types import Detector, Face
from hasnet_models.frame import FFHQ_BOX_512, FFHQ_TEMPLATE_512, invert, transform


class DrawnToo:
    """As the detector within, and `face.drawn` for pictures in which that is sure of nothing.

    Args:
        detector: asked first.
        finder: gives the finder of drawn faces, called when it is first needed.
    """

    def __init__(self, detector: Detector, finder: Callable[[], DrawnFaceFinder]) -> None:
        self.detector, self._finder = detector, finder

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """As `Detector.detect`; a drawn face's landmarks are where the FFHQ template has them."""
        return self._or_drawn(self.detector.detect(rgb), rgb)

    def detect_all(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The same for whoever asks for more than the largest face, see `face.crowd`."""
        return self._or_drawn(detect_all(self.detector, rgb), rgb)

    def _or_drawn(self, faces: list[Face], rgb: NDArray[np.uint8]) -> list[Face]:
        if any(face.sure for face in faces):
            return faces
        return [as_face(drawn) for drawn in self._finder().find_all(rgb)] or faces


def as_face(drawn: DrawnFace) -> Face:
    """The face whose landmarks `frame.similarity` aligns as `template_similarity` does."""
    back = invert(template_similarity(drawn))
    corners = transform(FFHQ_BOX_512.reshape(2, 2), back)
    box = np.concatenate([corners.min(0), corners.max(0)])
    landmarks = transform(FFHQ_TEMPLATE_512, back)
    return Face(box.astype(np.float32), landmarks.astype(np.float32), drawn.score)
