"""The pictures that every system gets: aligned faces of 512 px, in a folder that others can use.

``OUT/inputs/NAME.png`` are the faces and ``OUT/pairs.csv`` says which two make which picture, so
that another program can make its own, which `systems.folder` then scores.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.atomic import replacing
from hasnet_models.avatar.geometry import Geometry
from hasnet_models.data.index import FaceRecord
from hasnet_models.data.pictures import read_face
from hasnet_models.errors import HasnetError
from hasnet_models.evaluation.protocol import Pair, input_name
from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import CROP_SIZE

FOLDER, PAIRS = "inputs", "pairs.csv"


@dataclass(frozen=True)
class Sample:
    """What a system makes one picture of.

    Attributes:
        name: of the pair.
        source_path, reference_path: aligned faces of 512 px.
    """

    name: str
    source_path: Path
    reference_path: Path

    @cached_property
    def source(self) -> np.ndarray:
        """uint8 (512, 512, 3)."""
        return image_io.read(self.source_path).rgb

    @cached_property
    def reference(self) -> np.ndarray:
        """uint8 (512, 512, 3)."""
        return image_io.read(self.reference_path).rgb


class Aligner:
    """Brings a face to where hasnet has it: drawn faces lie elsewhere in their sets."""

    def __init__(self) -> None:
        self.geometry = Geometry()

    def face(self, path: Path) -> np.ndarray:
        """uint8 (512, 512, 3) of a picture that is aligned, or nearly.

        Raises:
            HasnetError: it cannot be read.
        """
        crop = read_face(path, CROP_SIZE)
        return self.geometry.known(AlignedFace(crop, np.eye(2, 3))).crop


def write_inputs(
    faces: Path,
    records: Iterable[FaceRecord],
    out: Path,
    align: Callable[[Path], np.ndarray],
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Write every input that is not there yet.

    Raises:
        HasnetError: a picture cannot be read or written.
    """
    folder = make_folder(out / FOLDER)
    for record in records:
        target = folder / f"{input_name(record)}.png"
        if not target.is_file():
            image_io.write(align(faces / record.file), target)
        advance()


def write_pairs(pairs: Iterable[Pair], out: Path) -> None:
    """Write the list of pairs: name, source and reference, paths from the list's folder.

    Raises:
        HasnetError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "source", "reference"))
    for sample in samples(pairs, Path()):
        paths = (sample.source_path.as_posix(), sample.reference_path.as_posix())
        writer.writerow((sample.name, *paths))
    write_text(out / PAIRS, text.getvalue())


def samples(pairs: Iterable[Pair], out: Path) -> list[Sample]:
    """The pairs with their files."""
    folder = out / FOLDER
    return [
        Sample(
            pair.name,
            folder / f"{input_name(pair.source)}.png",
            folder / f"{input_name(pair.reference)}.png",
        )
        for pair in pairs
    ]


def make_folder(folder: Path) -> Path:
    """The folder, made where it is missing.

    Raises:
        HasnetError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HasnetError(f"{folder} cannot be made: {error.strerror}.") from error
    return folder


def write_text(path: Path, text: str) -> None:
    """A text file, whole or not at all.

    Raises:
        HasnetError: it cannot be written.
    """
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise HasnetError(f"{path} cannot be written: {error.strerror}.") from error
