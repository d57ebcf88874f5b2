"""One table from end to end: pairs, pictures, measures, rows; what is there already stays.

``OUT/`` then holds ``settings.json``, ``inputs/``, ``pairs.csv``, ``pictures/SYSTEM/PAIR.png`` and
``measures/SYSTEM/PAIR.safetensors``. Each file appears whole, so a run that was killed goes on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hasnet_models import image_io
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.evaluation import protocol as protocols
from hasnet_models.evaluation.ground import Bank, domain_judge
from hasnet_models.evaluation.inputs import (
    Sample,
    make_folder,
    samples,
    write_inputs,
    write_pairs,
    write_text,
)
from hasnet_models.evaluation.judge import Judge, View, compared
from hasnet_models.evaluation.protocol import Protocol
from hasnet_models.evaluation.rows import Ground, columns_of, row_of
from hasnet_models.evaluation.store import kept, read
from hasnet_models.evaluation.systems.base import System
from hasnet_models.evaluation.table import Row, Table

SETTINGS, PICTURES, MEASURES = "settings.json", "pictures", "measures"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Evaluation:
    """A table that is asked for.

    Attributes:
        title: of the table.
        domains: whose pictures may be sources, and that the classifier tells apart.
        out: the table's folder.
    """

    title: str
    protocol: Protocol
    domains: tuple[str, ...]
    out: Path


@dataclass
class Watch:
    """Who wants to know how it goes."""

    say: Say = lambda _text: None
    advance: Callable[[int], None] = lambda _steps: None


@dataclass(frozen=True, eq=False)
class Prepared:
    """The pairs of a table, with their pictures in place."""

    draw: protocols.Draw
    samples: list[Sample]


def prepare(evaluation: Evaluation, bank: Bank, watch: Watch) -> Prepared:
    """Draw the pairs and write the inputs.

    Raises:
        UsageError: as `protocol.draw`; the folder holds a table with other settings.
        HasnetError: a picture cannot be read or written.
    """
    drawn = protocols.draw(bank.faces, evaluation.protocol, evaluation.domains)
    out = make_folder(evaluation.out)
    _settle(out / SETTINGS, settings_of(evaluation, bank))
    write_inputs(bank.faces, drawn.inputs, out, bank.aligner.face)
    write_pairs(drawn.pairs, out)
    watch.say(f"{evaluation.title}: {len(drawn.pairs)} pairs, {len(drawn.own)} own pictures.")
    return Prepared(drawn, samples(drawn.pairs, out))


def settings_of(evaluation: Evaluation, bank: Bank) -> dict[str, Any]:
    """What a table depends on beside the systems, as JSON has it."""
    return {
        "protocol": asdict(evaluation.protocol),
        "domains": list(evaluation.domains),
        "features": bank.judge.features.name,
        "embedders": list(bank.judge.embedders),
    }


def _settle(path: Path, wanted: dict[str, Any]) -> None:
    """The settings of the folder: written where there are none, else the same.

    Raises:
        UsageError: they differ, or cannot be read.
        HasnetError: they cannot be written.
    """
    if not path.exists():
        write_text(path, json.dumps(wanted, indent=2) + "\n")
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is damaged: it holds no settings.") from error
    if there != wanted:
        raise UsageError(
            f"{path.parent} holds an evaluation with other settings.",
            "Give another folder, or the same options as before.",
            parameters=("out",),
        )


def evaluate(
    evaluation: Evaluation,
    prepared: Prepared,
    systems: Sequence[System],
    bank: Bank,
    watch: Watch,
) -> Table:
    """Make what is not there yet, measure it and put it into a table.

    A system that fails has a row that says why; the others are not touched by it.

    Args:
        prepared: what `prepare` gave; `watch` is called twice for each picture of each system.

    Raises:
        HasnetError: a file cannot be read or written.
    """
    wanted, out = prepared.samples, evaluation.out
    failures = {one.name: make_pictures(one, wanted, out, watch) for one in systems}
    measure([n for n, failure in failures.items() if not failure], wanted, out, bank.judge, watch)
    watch.say(f"{evaluation.title}: the domains' own pictures")
    own = bank.read(prepared.draw.own)
    judge = domain_judge(bank, evaluation.domains, evaluation.protocol.split)
    ground = Ground(evaluation.protocol.domain, own, judge, evaluation.protocol.seed)
    rows = [
        Row(name, failure=failure) if failure else _row(name, prepared, out, ground, bank.judge)
        for name, failure in failures.items()
    ]
    columns = columns_of(bank.judge, domains=judge is not None)
    settings = {**settings_of(evaluation, bank), "pairs": len(wanted), "own": len(own)}
    settings["classifier"] = judge.accuracy if judge else None
    return Table(evaluation.title, columns, tuple(rows), settings, _notes(systems, settings))


def make_pictures(system: System, wanted: Sequence[Sample], out: Path, watch: Watch) -> str:
    """Make a system's pictures that are not there; why it failed, or ""."""
    folder = out / PICTURES / slug(system.name)
    todo = [sample for sample in wanted if not (folder / f"{sample.name}.png").is_file()]
    watch.advance(len(wanted) - len(todo))
    if not todo:
        return ""
    watch.say(f"{system.name}: {len(todo)} pictures")
    try:
        system.open(wanted)
        make_folder(folder)
        for sample in todo:
            image_io.write(system.make(sample), folder / f"{sample.name}.png")
            watch.advance(1)
    except Exception as error:  # whatever a peer raises is its own affair
        watch.say(f"{system.name} fails: {reason_of(error)}")
        return reason_of(error)
    return ""


def reason_of(error: Exception) -> str:
    """One line that says what went wrong; never empty."""
    kind = "" if isinstance(error, HasnetError) else f"{type(error).__name__}: "
    return " ".join(f"{kind}{error}".split()) or type(error).__name__


def measure(
    systems: Sequence[str], wanted: Sequence[Sample], out: Path, judge: Judge, watch: Watch
) -> None:
    """Measure every picture that was not, pair by pair, so that a source is looked at once.

    Raises:
        HasnetError: a picture cannot be read, or a file written.
    """
    for sample in wanted:
        todo = [name for name in systems if read(_measures(out, name, sample)) is None]
        watch.advance(len(systems) - len(todo))
        if not todo:
            continue
        source, reference = judge.view(sample.source), judge.view(sample.reference)
        for name in todo:
            result = _result(out, name, sample, judge)
            take = partial(compared, result, source, reference)
            kept(_measures(out, name, sample), take)
            watch.advance(1)


def _result(out: Path, system: str, sample: Sample, judge: Judge) -> View:
    return judge.view(image_io.read(out / PICTURES / slug(system) / f"{sample.name}.png").rgb)


def _measures(out: Path, system: str, sample: Sample) -> Path:
    return out / MEASURES / slug(system) / f"{sample.name}.safetensors"


def _row(system: str, prepared: Prepared, out: Path, ground: Ground, judge: Judge) -> Row:
    found = [read(_measures(out, system, sample)) for sample in prepared.samples]
    return row_of(system, [one for one in found if one is not None], ground, judge)


def _notes(systems: Sequence[System], settings: dict[str, Any]) -> tuple[str, ...]:
    notes = [
        f"{settings['pairs']} pairs, {settings['own']} pictures of the domain; seed "
        f"{settings['protocol']['seed']}, split {settings['protocol']['split']}; in brackets 95 %."
    ]
    if accuracy := settings["classifier"]:
        mean = sum(accuracy.values()) / len(accuracy)
        own = accuracy.get(settings["protocol"]["domain"])
        told = "" if own is None else f", {own:.0%} of {settings['protocol']['domain']}"
        notes.append(f"The classifier of domains is right on {mean:.0%} of unseen pictures{told}.")
    return (*notes, *(system.note for system in systems if system.note))


def slug(name: str) -> str:
    """A system's name as a folder is called."""
    return re.sub(r"[^a-z0-9_.]+", "-", name.lower()).strip("-.") or "system"
