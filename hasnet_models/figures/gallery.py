"""The faces of the figures: of a folder of faces with its index, or photos of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hasnet_models.data.index import INDEX, list_faces
from hasnet_models.data.pictures import picture_files
from hasnet_models.errors import UsageError

PHOTO = "photo"


@dataclass(frozen=True)
class Face:
    """A picture of a face.

    Attributes:
        domain: the world that it shows.
        aligned: whether it is cut to the face.
    """

    path: Path
    domain: str = PHOTO
    aligned: bool = False

    @property
    def name(self) -> str:
        """What pictures made of it are called after."""
        return f"{self.domain}-{self.path.stem}"


@dataclass(frozen=True)
class Gallery:
    """What the samples of figures are drawn from.

    Attributes:
        faces: by domain; sources.
        references: by domain: pictures, or names of the domain's own.
    """

    faces: Mapping[str, Sequence[Face]]
    references: Mapping[str, Sequence[Face | str]]


def is_faces(path: Path) -> bool:
    """Whether this is a folder of faces with an index."""
    return (path / INDEX).is_file()


def read_faces(folder: Path, split: str, domains: Iterable[str]) -> dict[str, list[Face]]:
    """The faces of those domains, by domain.

    Raises:
        UsageError: there is no such folder or split, or none of the domains is in it.
    """
    found: dict[str, list[Face]] = {name: [] for name in domains}
    for record in list_faces(folder, split).records:
        if record.domain in found:
            found[record.domain].append(Face(folder / record.file, record.domain, True))
    found = {name: faces for name, faces in found.items() if faces}
    if not found:
        raise UsageError(f"{folder} holds no faces of an installed domain in {split!r}.")
    return found


def read_photos(paths: Iterable[Path]) -> dict[str, list[Face]]:
    """Photos, and those of folders, as one domain.

    Raises:
        UsageError: a path is missing, or there is no photo.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"There is no file {path}.")
        files += picture_files(path) if path.is_dir() else [path]
    if not files:
        raise UsageError("There is no photo in what was given.")
    return {PHOTO: [Face(path) for path in dict.fromkeys(files)]}
