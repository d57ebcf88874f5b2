"""From a photo to its aligned faces, by the user's choice, with notes on what was done.

Faces are numbered from the left to the right by the middle of their boxes, 1 is the leftmost (of
two in one column the upper one): a number can be read off the photo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hasnet_models.errors import NoFaceError, UsageError
from hasnet_models.face.align import share_outside, warp
from hasnet_models.face.choice import ALIGNED, BOX, LIKE, NUMBER, FaceChoice
from hasnet_models.face.crowd import detect_all
from hasnet_models.face.types import AlignedFace, Detector, Face
from hasnet_models.frame import (
    CROP_SIZE,
    box_similarity,
    has_extent,
    scale_of,
    similarity,
    square_similarity,
)
from hasnet_models.image_io import Photo

_SOFT_BELOW = CROP_SIZE / 4
_MUCH_OUTSIDE = 0.1  # share of a crop beyond its photo, from which it is said
_BOX_MARGIN = 0.5  # what the detector sees around a given box, as a share of its sides

Likeness = Callable[[NDArray[np.uint8]], float]


def select(
    photo: Photo, choice: FaceChoice, detector: Detector, likeness: Likeness | None = None
) -> tuple[list[AlignedFace], list[str]]:
    """The chosen faces, cut out.

    Args:
        likeness: of a crop with the picture of "like:PICTURE"; needed for that choice only.

    Returns:
        At least one face, in the order of their numbers, and notes for the user, one sentence
        each.

    Raises:
        NoFaceError: there is no face that is sure, or none of that number.
        UsageError: the choice's box lies beyond the picture.
    """
    if not choice.compares:
        aligned, notes = locate(photo, choice, detector)
        return [aligned], notes
    faces = _numbered(_sure(_faces_of(detect_all(detector, photo.rgb), photo), photo))
    if choice.kind == NUMBER:
        faces = [_of_number(faces, choice.number, photo.name)]
    cut = [_cut(photo, similarity(face.landmarks), face) for face in faces]
    if choice.kind == LIKE and likeness is not None:
        cut = [max(cut, key=lambda aligned: likeness(aligned.crop))]
    notes = [note for one in cut for note in _remarks(photo, one.matrix)]
    return cut, list(dict.fromkeys([*photo.notes, *notes]))


def locate(
    photo: Photo, choice: FaceChoice, detector: Detector, unsure: bool = False
) -> tuple[AlignedFace, list[str]]:
    """As `select`, for the choices of a single face; others are taken as "auto".

    Args:
        choice: "auto" and "largest" take the largest face that the detector finds; "aligned"
            takes the picture as an aligned crop (the square in its middle); within "x,y,w,h"
            the detector looks for landmarks.
        detector: used by all choices but "aligned".
        unsure: take, with a note, what the detector does not surely call a face, where there is
            nothing else.
    """
    if choice.kind == ALIGNED:
        face, notes = None, []
        matrix = square_similarity(*photo.rgb.shape[:2])
    elif choice.kind == BOX:
        box = _clipped_box(choice, photo)
        face, notes = _within(photo, box, detector)
        matrix = box_similarity(box) if face is None else similarity(face.landmarks)
    else:
        face, notes = _largest(photo, detector, unsure)
        matrix = similarity(face.landmarks)
    return _cut(photo, matrix, face), [*photo.notes, *notes, *_remarks(photo, matrix)]


def locate_reference(
    photo: Photo, choice: FaceChoice, detector: Detector
) -> tuple[AlignedFace, list[str]]:
    """As `locate`, but an unsure face is taken, and a picture without any is taken as it is.

    Anime and masks are such pictures; most references are crops already.

    Raises:
        UsageError: the choice's box lies beyond the picture.
    """
    try:
        return locate(photo, choice, detector, unsure=True)
    except NoFaceError:
        height, width = photo.rgb.shape[:2]
        part = "whole" if height == width else "by the square in its middle"
        aligned, notes = locate(photo, FaceChoice(ALIGNED), detector)
        note = f"No face found in {photo.name}: it is taken {part}, as an aligned crop."
        return aligned, [note, *notes]


def _faces_of(found: list[Face], photo: Photo) -> list[Face]:
    """The finds that can be cut out, in their order.

    Raises:
        NoFaceError: there is none.
    """
    # A find without extent has no place in the frame: it is none.
    faces = [face for face in found if has_extent(face.landmarks)]
    if not faces:
        raise NoFaceError(
            f"No face found in {photo.name}.",
            "Use face=aligned if the picture is a face crop already, or face=x,y,w,h to say "
            "where the face is (pixels from the top left corner).",
            parameters=("face",),
        )
    return faces


def _sure(faces: list[Face], photo: Photo) -> list[Face]:
    """Those that the detector surely takes for faces.

    Raises:
        NoFaceError: there is none.
    """
    if sure := [face for face in faces if face.sure]:
        return sure
    best = max(faces, key=lambda face: face.score)
    x1, y1, x2, y2 = (round(float(value)) for value in best.box)
    raise NoFaceError(
        f"It is uncertain whether there is a face in {photo.name}: the best find has a score of "
        f"{best.score:.2f}.",
        f"If it is one, say where: face={x1},{y1},{x2 - x1},{y2 - y1}",
        parameters=("face",),
    )


def _largest(photo: Photo, detector: Detector, unsure: bool) -> tuple[Face, list[str]]:
    faces = _faces_of(detector.detect(photo.rgb), photo)
    if unsure and not any(face.sure for face in faces):
        best = max(faces, key=lambda face: face.score)
        return best, [f"It is uncertain whether this is a face: its score is {best.score:.2f}."]
    faces = _sure(faces, photo)
    several = len(faces) > 1
    return faces[0], [f"{len(faces)} faces found, took the largest."] if several else []


def _numbered(faces: list[Face]) -> list[Face]:
    """From the left to the right."""
    return sorted(faces, key=lambda face: (*(face.box[:2] + face.box[2:]).tolist(),))


def _of_number(faces: list[Face], number: int, name: str) -> Face:
    if number > len(faces):
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise NoFaceError(
            f"There is no face {number} in {name}: it has {count}.",
            "Faces are numbered from the left to the right, from 1.",
        )
    return faces[number - 1]


def _clipped_box(choice: FaceChoice, photo: Photo) -> NDArray[np.float64]:
    """The box of a choice as (4,) x1 y1 x2 y2, clipped to the photo.

    Raises:
        UsageError: it lies beyond the photo.
    """
    x, y, width, height = choice.box or (0, 0, 0, 0)
    size = np.array(photo.rgb.shape[1::-1], dtype=np.float64)
    low = np.clip([x, y], 0, size)
    high = np.clip([x + width, y + height], 0, size)
    if not (high - low >= 1).all():
        raise UsageError(
            f"The face box {choice} holds no pixel of {photo.name}, which is "
            f"{size[0]:.0f}x{size[1]:.0f}.",
            parameters=("face",),
        )
    return np.concatenate([low, high])


def _within(
    photo: Photo, box: NDArray[np.float64], detector: Detector
) -> tuple[Face | None, list[str]]:
    """The largest face whose middle lies in the box."""
    margin = _BOX_MARGIN * (box[2:] - box[:2])
    left, top = np.maximum(box[:2] - margin, 0).astype(int)
    right, bottom = np.ceil(box[2:] + margin).astype(int)
    shift = np.array([left, top], dtype=np.float32)
    part = np.ascontiguousarray(photo.rgb[top:bottom, left:right])
    for face in detector.detect(part):
        middle = (face.box[:2] + face.box[2:]) / 2 + shift
        inside = (middle >= box[:2]).all() and (middle <= box[2:]).all()
        if inside and has_extent(face.landmarks):
            moved = face.box + np.tile(shift, 2)
            return replace(face, box=moved, landmarks=face.landmarks + shift), []
    return None, ["No landmarks found in the given box: the box itself is the frame."]


def _cut(photo: Photo, matrix: NDArray[np.float64], face: Face | None) -> AlignedFace:
    return AlignedFace(warp(photo.rgb, matrix), matrix, face)


def _remarks(photo: Photo, matrix: NDArray) -> list[str]:
    """Notes where the photo has less of the face than an avatar shows."""
    side, outside = CROP_SIZE / scale_of(matrix), share_outside(photo.rgb.shape, matrix)
    notes = []
    if side < _SOFT_BELOW:
        notes.append(f"The face is small (a crop of {side:.0f} px): the avatar will be soft.")
    if outside >= _MUCH_OUTSIDE:
        notes.append(f"{outside:.0%} of the frame lies beyond the photo and is filled with a haze.")
    return notes
