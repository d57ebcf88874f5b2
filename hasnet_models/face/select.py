"""Which of a photo's faces are worked on: one, the one that is like another, or all of them.

Faces are numbered from the left to the right by the middle of their boxes, 1 is the leftmost (of
two in one column the upper one): a number can be read off the photo.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hasnet_models.errors import NoFaceError
from hasnet_models.face.align import AlignedFace, similarity, warp
from hasnet_models.face.detect import Detector, Face
from hasnet_models.face.locate import AUTO, locate, softness
from hasnet_models.image_io import Photo

LARGEST = "largest"
ALL = "all"
LIKE = "like:"

Likeness = Callable[[NDArray[np.uint8]], float]


def select(
    photo: Photo, choice: str, detector: Detector, likeness: Likeness | None = None
) -> tuple[list[AlignedFace], list[str]]:
    """The chosen faces, cut out.

    Args:
        choice: "largest" or "auto", "all", a number (see above), "like:PICTURE" (the face of the
            highest likeness), "aligned" or "x,y,w,h" (see `locate`).
        likeness: of a crop with the picture of "like:PICTURE"; needed for that choice only.

    Returns:
        At least one face, in the order of their numbers, and notes for the user.

    Raises:
        NoFaceError: there is no face, or none of that number.
        UsageError: the choice cannot be understood, or its box lies beyond the picture.
    """
    if not is_several(choice):
        aligned, notes = locate(photo, AUTO if choice == LARGEST else choice, detector)
        return [aligned], notes
    faces = numbered(detector.detect(photo.rgb))
    if not faces:
        return [locate(photo, AUTO, detector)[0]], []  # raises, with its own hint
    if choice.isdecimal():
        faces = [_of_number(faces, int(choice), photo.name)]
    found = [_cut(photo, face) for face in faces]
    if likeness is not None and choice.startswith(LIKE):
        found = [max(found, key=lambda aligned: likeness(aligned.crop))]
    return found, list(dict.fromkeys(note for one in found for note in softness(one.matrix)))


def is_several(choice: str) -> bool:
    """Whether all faces of a photo have to be looked at for this choice."""
    return choice == ALL or choice.isdecimal() or choice.startswith(LIKE)


def numbered(faces: list[Face]) -> list[Face]:
    """From the left to the right."""
    return sorted(faces, key=lambda face: (*(face.box[:2] + face.box[2:]).tolist(),))


def _of_number(faces: list[Face], number: int, name: str) -> Face:
    if not 1 <= number <= len(faces):
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise NoFaceError(
            f"There is no face {number} in {name}: it has {count}.",
            "Faces are numbered from the left to the right, from 1.",
        )
    return faces[number - 1]


def _cut(photo: Photo, face: Face) -> AlignedFace:
    matrix = similarity(face.landmarks)
    return AlignedFace(warp(photo.rgb, matrix), matrix, face)
