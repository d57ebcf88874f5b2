"""results.jsonl: what became of each photo, written as soon as it is known.

While a batch runs, lines are added at the end, so that a run that is killed loses at most the line
it was writing; the last line of a photo counts. When a run ends, each photo has one line, in the
order of the plan. A shard has a file of its own, in which only the lines of its own photos count.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from hasnet_models.atomic import TEMPORARY_GLOB, replacing
from hasnet_models.batch.plan import Shard
from hasnet_models.batch.result import SKIPPED, Result
from hasnet_models.errors import ImageError

NAME = "results.jsonl"
_ALL = "results*.jsonl"
_OF_SHARD = re.compile(r"results-(\d{1,6})of(\d{1,6})\.jsonl")


def read_results(path: Path) -> dict[str, Result]:
    """The last result of each photo in a file; torn lines are passed over.

    Raises:
        ImageError: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            results = {result.input: result for result in map(Result.from_line, file) if result}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ImageError(f"Cannot read {path}: {error.strerror}.") from error
    shard = _shard_of(path)
    return {key: result for key, result in results.items() if shard is None or shard.holds(key)}


class Ledger:
    """The results of one output folder; use as a context manager, under the folder's lock.

    Attributes:
        path: the file this run writes: results.jsonl, or results-IofN.jsonl of a shard.
        known: the last result of each photo, those of earlier runs and of other shards included;
            where several files tell of one photo, the one written last counts.

    Raises:
        ImageError: the file cannot be read or written.
    """

    def __init__(self, out: Path, shard: Shard | None = None) -> None:
        self.path = out / (f"results-{shard.label}.jsonl" if shard else NAME)
        self._shard = shard
        self.known: dict[str, Result] = {}
        for path in sorted(out.glob(_ALL), key=_written):
            self.known |= read_results(path)

    def __enter__(self) -> Ledger:
        try:
            self._file = self.path.open("ab")
            if self._file.tell() and not _ends_with_newline(self.path):
                self._file.write(b"\n")
        except OSError as error:
            raise self._cannot_write(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, result: Result) -> bool:
        """Write a result down, whatever happens next; False where it is an earlier run's."""
        if result.status == SKIPPED or self.known.get(result.input) is result:
            return False
        self.known[result.input] = result
        try:
            self._file.write(_encoded(result))
            self._file.flush()
        except OSError as error:
            raise self._cannot_write(error) from error
        return True

    def compact(self, keys: Iterable[str]) -> None:
        """Leave one line a photo, in the order of the keys; other shards' photos are left out."""
        own = (key for key in dict.fromkeys(keys) if self._shard is None or self._shard.holds(key))
        lines = [_encoded(self.known[key]) for key in own if key in self.known]
        try:
            with replacing(self.path) as file:
                file.writelines(lines)
                self._file.close()  # Windows renames onto no file that is open
            self._file = self.path.open("ab")
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> ImageError:
        return ImageError(
            f"Cannot write {self.path}: {error.strerror}.",
            "What is recorded stays; the same command goes on where this run ended.",
        )


def remove_leftovers(out: Path, older_than: float | None = None) -> None:
    """Remove temporary files of runs that were killed, below a folder.

    Args:
        older_than: a time stamp; None for all.
    """
    for path in out.rglob(TEMPORARY_GLOB):
        if older_than is None or path.stat().st_mtime < older_than:
            path.unlink(missing_ok=True)


def _shard_of(path: Path) -> Shard | None:
    match = _OF_SHARD.fullmatch(path.name)
    return Shard(int(match[1]), int(match[2])) if match and int(match[2]) else None


def _written(path: Path) -> tuple[int, str]:
    """What files are sorted by: when they were written, then by name."""
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:  # gone meanwhile
        return 0, path.name


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _encoded(result: Result) -> bytes:
    # A name that is no text comes back as it was: json reads the escape of a lone surrogate.
    return (result.line() + "\n").encode("utf-8", errors="backslashreplace")
