"""The file of answers: a CSV that only grows, a line an answer, of which an item's last counts.

A line is written whole and flushed to the disk before the participant goes on; a line that could
not be written whole is taken back. The file is read anew for each question, so that several tabs,
and servers on one file, see each other's answers.
"""

from __future__ import annotations

import csv
import io
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from hasnet_models.errors import ImageError, UsageError
from hasnet_models.study.items import Item
from hasnet_models.study.scales import SCALES, checked

COLUMNS = ("participant", "sample", "system", *(scale.name for scale in SCALES), "time")


class AnsweredMeanwhile(UsageError):
    """Somebody, such as another tab, answered after the one who answers now had looked."""


@dataclass(frozen=True)
class Answer:
    """What a participant thinks of an item: a score for each scale."""

    participant: str
    item: Item
    scores: tuple[int, ...]


class Answers:
    """The answers in a file, for the threads of one server.

    Raises:
        UsageError: the file is another table.
        ImageError: it cannot be written or read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_at_a_time = threading.Lock()
        try:
            with path.open("ab") as file:
                empty = not file.tell()
        except OSError as error:
            raise _cannot("written", path, error) from error
        if empty:
            self._append(_line(COLUMNS))
        read_answers(path)

    def of(self, participant: str) -> dict[Item, tuple[int, ...]]:
        """The scores that this participant gave, by item."""
        found = read_answers(self.path)
        return {one.item: one.scores for one in found if one.participant == participant}

    def add(self, answer: Answer, seen: Sequence[int] | None) -> None:
        """Write an answer down.

        Args:
            seen: what the participant saw as the item's scores so far, None for none.

        Raises:
            AnsweredMeanwhile: the item has other scores by now; nothing is written.
            UsageError: a score is out of range.
            ImageError: it cannot be written; the file is as it was.
        """
        scores = checked(answer.scores)
        with self._one_at_a_time:
            known = self.of(answer.participant).get(answer.item)
            if known != (None if seen is None else tuple(seen)):
                raise AnsweredMeanwhile("This picture was scored meanwhile, in another tab.")
            item, now = answer.item, datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._append(_line((answer.participant, item.sample, item.system, *scores, now)))

    def _append(self, line: bytes) -> None:
        try:
            with self.path.open("ab", buffering=0) as file:
                before = file.tell()
                try:
                    _write_whole(file, line if _starts_a_line(self.path) else b"\n" + line)
                except OSError:
                    file.truncate(before)
                    raise
        except OSError as error:
            raise _cannot("written", self.path, error) from error


def read_answers(path: Path) -> list[Answer]:
    """The last answer of each participant to each item; torn lines are passed over.

    Raises:
        UsageError: there is no such file, or it is another table.
        ImageError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.") from error
    except OSError as error:
        raise _cannot("read", path, error) from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if lacking := [c for c in COLUMNS if c not in (rows.fieldnames or ())]:
        raise UsageError(f"{path} is no file of answers: it has no column {lacking[0]}.")
    return list({(one.participant, one.item): one for one in _sound(rows)}.values())


def _sound(rows: csv.DictReader[str]) -> Iterator[Answer]:
    for row in rows:
        try:
            yield _answer(row)
        except (TypeError, ValueError, UsageError):
            continue


def _answer(row: Mapping[str, str]) -> Answer:
    datetime.fromisoformat(row["time"])  # a line that was torn has none
    scores = checked([int(row[scale.name]) for scale in SCALES])
    return Answer(row["participant"], Item(row["sample"], row["system"]), scores)


def _line(values: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def _write_whole(file: io.RawIOBase, line: bytes) -> None:
    if file.write(line) != len(line):
        raise OSError(0, "only a part of a line fits")
    os.fsync(file.fileno())


def _starts_a_line(path: Path) -> bool:
    """Whether what is appended to a file begins a line of its own."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _cannot(verb: str, path: Path, error: OSError) -> ImageError:
    return ImageError(f"The answers cannot be {verb}: {path}: {error.strerror}.")
