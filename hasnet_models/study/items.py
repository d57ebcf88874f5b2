"""What is scored: each system's picture of each sample, in an order of each participant's own."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hasnet_models import image_io
from hasnet_models.data.pictures import picture_files
from hasnet_models.errors import UsageError

SOURCES, REFERENCES = "source", "reference"
_PARTICIPANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_NAMED = 5

Say = Callable[[str], None]


@dataclass(frozen=True, order=True)
class Item:
    """One picture to score: what a system made of a sample."""

    sample: str
    system: str


@dataclass(frozen=True)
class Study:
    """The pictures of a study.

    Attributes:
        sources, references: picture of each sample.
        results: picture of each item.
        seed: of the orders.
    """

    sources: Mapping[str, Path]
    references: Mapping[str, Path]
    results: Mapping[Item, Path]
    seed: int = 0

    def order(self, participant: str) -> tuple[Item, ...]:
        """All items as this participant sees them: by chance, and always the same."""
        items = sorted(self.results)
        random.Random(f"{self.seed}:{participant}").shuffle(items)
        return tuple(items)

    @property
    def systems(self) -> tuple[str, ...]:
        """The names of the systems."""
        return tuple(sorted({item.system for item in self.results}))

    def check_pictures(self) -> None:
        """Raises ImageError where a picture cannot be read, before anybody is asked about it."""
        for path in (*self.sources.values(), *self.references.values(), *self.results.values()):
            image_io.read(path)


def checked_participant(name: str) -> str:
    """A name that may stand in an address and in a table.

    Raises:
        UsageError: it may not.
    """
    name = name.strip()
    if not _PARTICIPANT.fullmatch(name):
        raise UsageError(
            "A name has 1 to 40 letters without accents, digits, dots, hyphens or underscores, "
            "and begins with a letter or digit."
        )
    return name


def read_study(
    systems: Sequence[Path], sources: Path, references: Path, *, common: bool = False,
    seed: int = 0, say: Say = lambda _text: None,
) -> Study:  # fmt: skip
    """The study of some folders; pictures of one sample share a file name, but for its suffix.

    Args:
        systems: a folder each, whose name is the system's.
        common: take the samples that all folders have, where they differ.
        say: takes a note on what is left out then.

    Raises:
        UsageError: a folder is missing or holds no pictures, a system comes twice, or the folders
            differ.
    """
    folders = [sources, references, *systems]
    found = [_pictures(folder) for folder in folders]
    _check_names(systems)
    samples = set.intersection(*(set(pictures) for pictures in found))
    if gaps := _gaps(folders, found):
        if not common or not samples:
            hint = "Give common=True to take what all have." if samples else None
            raise UsageError(gaps, hint, parameters=("common",) if samples else ())
        say(f"{gaps} {len(samples)} samples are in all of them.")
    results = {
        Item(sample, folder.resolve().name): pictures[sample]
        for folder, pictures in zip(systems, found[2:], strict=True)
        for sample in samples
    }
    return Study(*({s: p[s] for s in samples} for p in found[:2]), results, seed)


def study_folders(folder: Path) -> tuple[list[Path], Path, Path]:
    """Systems, sources and references of a folder that holds them all.

    Raises:
        UsageError: it does not.
    """
    sources, references = folder / SOURCES, folder / REFERENCES
    if not sources.is_dir() or not references.is_dir():
        raise UsageError(
            f"{folder} holds no folders '{SOURCES}' and '{REFERENCES}'.",
            "Give them as sources=DIR and references=DIR.",
            parameters=("sources", "references"),
        )
    inside = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    return [p for p in inside if p not in (sources, references)], sources, references


def _pictures(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by their stems."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.")
    files = picture_files(folder)
    twice = [stem for stem, count in Counter(p.stem for p in files).items() if count > 1]
    if twice:
        raise UsageError(f"{folder} has several pictures called {twice[0]}.")
    if not files:
        raise UsageError(f"The folder {folder} holds no pictures.")
    return {path.stem: path for path in files}


def _check_names(systems: Sequence[Path]) -> None:
    names = Counter(folder.resolve().name for folder in systems)
    if not names:
        raise UsageError("There is no system to study.")
    name, count = names.most_common(1)[0]
    if count > 1:
        raise UsageError(f"{count} systems are called {name}; their folders need other names.")


def _gaps(folders: Sequence[Path], found: Sequence[Mapping[str, Path]]) -> str:
    """A sentence on the samples that some folders lack; empty where all have the same."""
    everything = set().union(*found)
    lacks = []
    for folder, pictures in zip(folders, found, strict=True):
        if missing := sorted(everything - set(pictures)):
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            lacks.append(f"{folder} lacks {', '.join(missing[:_NAMED])}{more}")
    return f"The folders differ: {'; '.join(lacks)}." if lacks else ""
