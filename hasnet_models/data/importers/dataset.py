"""What the import has to know of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

ALIGN = ("detect", "keep", "try")
TERMS = "see the dataset's terms"


@dataclass(frozen=True)
class Place:
    """What a picture is by its place in the dataset.

    Attributes:
        domain: where it goes; "*" stands for the dataset's own domain.
        identity: the person, within the dataset; "" where it is not known.
        align: "detect" (find the face, or leave the picture out), "keep" (it is an aligned crop),
            or "try" (find the face, or else keep the picture).
    """

    domain: str = "*"
    split: str = "train"
    identity: str = ""
    align: str = "detect"


def no_sources(_folder: Path) -> Mapping[str, str]:
    """For a dataset that does not say where its pictures come from."""
    return {}


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be imported.

    Attributes:
        name: as the user names it.
        layout: one line on what it looks like on a disk.
        domain: the domain of its pictures, unless the user names another; "" where the folders
            name it.
        place: (path inside the dataset, dataset) to what the picture is, or why it is not one.
        sources: where pictures come from, by file stem, as far as the dataset says it.
    """

    name: str
    title: str
    layout: str
    domain: str
    licence: str
    place: Callable[[PurePath, Path], Place | str]
    sources: Callable[[Path], Mapping[str, str]] = no_sources
