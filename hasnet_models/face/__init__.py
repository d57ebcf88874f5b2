"""Faces: find them (detect, insightface_backend), cut one out (align, locate), put it back (paste).

Importing this package loads OpenCV, but no network and no torch.
"""

from hasnet_models.face.align import AlignedFace
from hasnet_models.face.detect import Detector, Face
from hasnet_models.face.locate import locate, locate_reference

__all__ = [
    "AlignedFace",
    "Detector",
    "Face",
    "locate",
    "locate_reference",
]
