"""From a photo to one aligned face, by the user's choice of mode, with notes on what was done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hasnet_models.errors import NoFaceError, UsageError
from hasnet_models.face.align import (
    CROP_SIZE,
    AlignedFace,
    box_similarity,
    scale_of,
    similarity,
    square_similarity,
    warp,
)
from hasnet_models.face.detect import Detector, Face
from hasnet_models.image_io import Photo

AUTO = "auto"
ALIGNED = "aligned"
_SOFT_BELOW = CROP_SIZE / 4
_BOX_MARGIN = 0.5  # what the detector sees around a given box, as a share of its sides


def locate(photo: Photo, mode: str, detector: Detector) -> tuple[AlignedFace, list[str]]:
    """The face to work on.

    Args:
        mode: "auto" takes the largest face that the detector finds; "aligned" takes the picture
            as an aligned crop (the square in its middle); "x,y,w,h" is a face box in px, within
            which the detector looks for landmarks.
        detector: used in all modes but "aligned".

    Returns:
        The aligned face and notes for the user, one sentence each.

    Raises:
        NoFaceError: mode "auto" found no face.
        UsageError: the mode cannot be understood, or its box lies beyond the picture.
    """
    if mode == ALIGNED:
        face, notes = None, []
        matrix = square_similarity(*photo.rgb.shape[:2])
    elif mode == AUTO:
        face, notes = _largest(photo, detector)
        matrix = similarity(face.landmarks)
    else:
        box = parse_box(mode, photo)
        face, notes = _within(photo, box, detector)
        matrix = box_similarity(box) if face is None else similarity(face.landmarks)
    notes.extend(softness(matrix))
    return AlignedFace(warp(photo.rgb, matrix), matrix, face), notes


def locate_reference(photo: Photo, mode: str, detector: Detector) -> tuple[AlignedFace, list[str]]:
    """As `locate`, but a picture without a face that a detector knows is taken as it is.

    Anime and masks are such pictures; most references are crops already.

    Raises:
        UsageError: the mode cannot be understood, or its box lies beyond the picture.
    """
    try:
        return locate(photo, mode, detector)
    except NoFaceError:
        height, width = photo.rgb.shape[:2]
        part = "whole" if height == width else "by the square in its middle"
        aligned, notes = locate(photo, ALIGNED, detector)
        note = f"No face found in {photo.name}: it is taken {part}, as an aligned crop."
        return aligned, [note, *notes]


def parse_box(mode: str, photo: Photo) -> NDArray[np.float64]:
    """The box (4,) x1 y1 x2 y2 that "x,y,w,h" stands for, clipped to the photo.

    Raises:
        UsageError: it is not four numbers, is empty, or lies beyond the photo.
    """
    try:
        x, y, width, height = (float(part) for part in mode.split(","))
    except ValueError as error:
        raise UsageError(
            f"The face must be auto, aligned or x,y,w,h (four numbers in pixels), not {mode!r}."
        ) from error
    size = np.array(photo.rgb.shape[1::-1], dtype=np.float64)
    low = np.clip([x, y], 0, size)
    high = np.clip([x + width, y + height], 0, size)
    if not (high - low >= 1).all():  # false for NaN as well
        raise UsageError(
            f"The face box {mode} holds no pixel of {photo.name}, which is "
            f"{size[0]:.0f}x{size[1]:.0f}."
        )
    return np.concatenate([low, high])


def _largest(photo: Photo, detector: Detector) -> tuple[Face, list[str]]:
    faces = detector.detect(photo.rgb)
    if not faces:
        raise NoFaceError(
            f"No face found in {photo.name}.",
            "Use --face aligned if the picture is a face crop already, or --face x,y,w,h to say "
            "where the face is (pixels from the top left corner).",
        )
    several = len(faces) > 1
    return faces[0], [f"{len(faces)} faces found, took the largest."] if several else []


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
        if (middle >= box[:2]).all() and (middle <= box[2:]).all():
            moved = face.box + np.tile(shift, 2)
            return replace(face, box=moved, landmarks=face.landmarks + shift), []
    return None, ["No landmarks found in the given box: the box itself is the frame."]


def softness(matrix: NDArray) -> list[str]:
    """A note where the face has too few pixels for a sharp avatar."""
    side = CROP_SIZE / scale_of(matrix)
    if side >= _SOFT_BELOW:
        return []
    return [f"The face is small (a crop of {side:.0f} px): the avatar will be soft."]
