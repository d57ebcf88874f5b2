"""From a folder of pictures to a domain's package that can be used at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from hasnet_models.atomic import check_replaceable, filling, scratch
from hasnet_models.authoring.distinct import copies
from hasnet_models.authoring.fitting import fitted_table
from hasnet_models.authoring.package import text_in, write_domain
from hasnet_models.authoring.references import LEAST, Choice, choose_references, training_rows
from hasnet_models.authoring.wanted import HEAD, Pictures, Wanted
from hasnet_models.avatar.reading import Embed
from hasnet_models.data.importers import importing
from hasnet_models.errors import HasnetError, NoFaceError, UsageError
from hasnet_models.face.types import Detector
from hasnet_models.frame import CROP_SIZE
from hasnet_models.plugins.media import medium_called
from hasnet_models.plugins.reference import ReferenceSet
from hasnet_models.plugins.template import Facts, write_package

DRAWN_SHAPE = {"strength": 0.75, "domain": 1.0, "own": 0.0}  # as that of anime
_DATASET = "pictures"

Say = Callable[[str], None]
Progress = Callable[[int], AbstractContextManager[Callable[..., None]]]


@contextmanager
def no_progress(_total: int) -> Iterator[Callable[..., None]]:
    """Shows nothing."""
    yield lambda: None


@dataclass(frozen=True, eq=False)
class Built:
    """What was made.

    Attributes:
        folder: of the package.
        names: the picture of each reference.
        pictures: how many were looked at.
        used: how many of them had a face of their own.
    """

    folder: Path
    found: ReferenceSet
    names: tuple[str, ...]
    pictures: int
    used: int
    medium: dict[str, Any] = field(default_factory=dict)


def write_skeleton(wanted: Wanted) -> Path:
    """Write a package that lacks its data; gives its folder.

    Raises:
        UsageError: it cannot be called so, or is there already.
        HasnetError: it cannot be written.
    """
    wanted.check_new()
    with _filling(wanted.folder) as new:
        write_package(wanted.facts, new)
    return wanted.folder


def build(
    wanted: Wanted,
    pictures: Pictures,
    load_detector: Callable[[], Detector],
    progress: Progress = no_progress,
    say: Say = lambda text: None,
    embed: Embed | None = None,
) -> Built:
    """Make a domain out of pictures; the package appears whole or not at all.

    A package that is there keeps its text; its data, `domain.toml` and ORIGIN.md are written anew.

    Args:
        load_detector: called when the first face has to be found.
        progress: is given the number of pictures, and gives what is called once a picture.
        say: is told of each picture that is left out, and why.
        embed: as for `choose_references`.

    Raises:
        UsageError: something contradicts itself, is there already, or there are too few faces.
        NoFaceError: no picture has a face.
        HasnetError: the package cannot be written.
    """
    wanted.check()
    _check_place(wanted.folder)
    facts = wanted.facts
    medium = None if pictures.medium is None else medium_called(pictures.medium)
    with scratch() as faces:
        total, names = _gather(facts.name, pictures, faces, load_detector, progress, say)
        rows = _usable(facts.name, pictures, faces, names, say)
        choice = choose_references(
            faces, rows, facts.name,
            count=pictures.count, licence=facts.licence, source=wanted.source, embed=embed,
        )  # fmt: skip
        found = tuple(names[file] for file in choice.files)
        if pictures.medium is not None:
            facts = replace(facts, medium=fitted_table(medium, choice.crops))
        if choice.drawn and not facts.shape:
            facts = replace(facts, shape=DRAWN_SHAPE)
        with _filling(wanted.folder) as new:
            _write(facts, wanted, choice, new)
    return Built(wanted.folder, choice.found, found, total, len(rows), dict(facts.medium))


def _gather(
    name: str,
    pictures: Pictures,
    faces: Path,
    load_detector: Callable[[], Detector],
    progress: Progress,
    say: Say,
) -> tuple[int, dict[str, str]]:
    """How many pictures there are, and the picture of each aligned face that is now in `faces`."""
    job = importing.ImportJob(
        _DATASET, pictures.folder, faces, name, size=CROP_SIZE, align=pictures.align
    )
    plan = importing.plan(job)
    with progress(len(plan.pictures)) as advance:
        report = importing.run(job, load_detector, advance, plan)
    for file, reason in report.skipped:
        _leave_out(say, file, reason)
    if not report.names:
        raise NoFaceError(
            f"None of the {len(plan.pictures)} pictures in {pictures.folder} can be used.",
            "Give align=keep if they are aligned crops of faces already.",
            parameters=("align",),
        )
    return len(plan.pictures), report.names


def _leave_out(say: Say, name: str, reason: str) -> None:
    """One line, whatever the file is called; errors begin with its name, which is said already."""
    file = f"{PurePath(name).name} "
    said = f"it {reason.removeprefix(file)}" if reason.startswith(file) else reason
    text = f"left out: {name}: {said.rstrip('.')}"
    say("".join(c if c.isprintable() else "?" for c in text))


def _usable(
    name: str, pictures: Pictures, faces: Path, names: dict[str, str], say: Say
) -> list[dict[str, str]]:
    """The rows of the faces that are there once."""
    again = copies(faces, sorted(names, key=names.__getitem__))
    for file, first in again.items():
        _leave_out(say, names[file], f"the same picture as {names[first]}")
    rows = [row for row in training_rows(faces, name) if row["file"] not in again]
    if len(rows) < LEAST:
        raise UsageError(
            f"{pictures.folder} has {len(rows)} face that can be used; {LEAST} are the least."
        )
    return rows


def _write(facts: Facts, wanted: Wanted, choice: Choice, new: Path) -> None:
    """The package, and of one that is there what its seal is about too."""
    there = wanted.folder
    head = Path(facts.package, HEAD)
    if (there / head).exists():
        (new / head).parent.mkdir()
        shutil.copyfile(there / head, new / head)
    command = f"hasnet domain build {facts.name} PICTURES"
    stated = {wanted.source: facts.licence}
    write_domain(facts, new, choice.found, stated, command, text_in(there))


def _check_place(folder: Path) -> None:
    """Raises HasnetError where a folder cannot be written, before anything is done for it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        check_replaceable(folder)
    except OSError as error:
        raise HasnetError(f"{folder} cannot be written: {error.strerror}.") from error


@contextmanager
def _filling(folder: Path) -> Iterator[Path]:
    try:
        with filling(folder) as new:
            yield new
    except OSError as error:
        raise HasnetError(f"{folder} cannot be written: {error.strerror}.") from error
