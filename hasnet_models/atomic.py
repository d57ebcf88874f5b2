"""Files and folders that appear whole or not at all: the only place of temporary ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hasnet_models.errors import HasnetError

TEMPORARY_GLOB = ".hasnet-*.tmp"  # left behind only by a process that was killed


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of ``path`` when the block ends without an error.

    It lies beside ``path`` under a temporary name, is flushed to the disk and then renamed; after
    an error it is removed and ``path`` is as it was.

    Raises:
        OSError: it cannot be written.
    """
    with _beside(path) as temporary:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def write_whole(
    path: Path, data: bytes, failure: type[HasnetError], folders: bool = False
) -> None:
    """Write a file as `replacing` does, or say in one sentence that it cannot be.

    Args:
        folders: make those that it lies in where they are not there.

    Raises:
        HasnetError: that failure.
    """
    try:
        if folders:
            path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise failure(f"{path} cannot be written: {error.strerror}.") from error


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """A folder to fill, whose files are brought into ``folder`` when the block ends without error.

    It lies beside ``folder`` under a temporary name, and is removed after an error. Where there is
    no ``folder`` yet it takes its place as a whole; otherwise its files take theirs in it, in the
    order in which they were written, and what else is there stays.

    Raises:
        OSError: it cannot be written.
    """
    import shutil  # with its archives, which a file alone does without

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = _free_name(folder)
    try:
        temporary.mkdir()
        yield temporary
        if folder.exists():
            _move_files(temporary, folder)
        else:
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is needed only until the block ends."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hasnet-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def replacing_by_name(path: Path) -> Iterator[Path]:
    """As `replacing`, for a writer that wants a name: one without the suffix of ``path``.

    Raises:
        OSError: it cannot be put in place.
    """
    with _beside(path) as temporary:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)


def check_replaceable(path: Path) -> None:
    """Find out whether `replacing` could write here; nothing is left.

    Raises:
        OSError: it could not.
    """
    with _beside(path) as temporary:
        temporary.open("xb").close()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name that is free in the same folder; what is there afterwards is removed.

    It is short whatever the length of the file's own name, which may be the longest there is.
    """
    temporary = _free_name(path)
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    return path.with_name(TEMPORARY_GLOB.replace("*", os.urandom(8).hex()))


def _move_files(source: Path, target: Path) -> None:
    files = [path for path in source.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.stat().st_mtime_ns):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
