"""Files that appear whole or not at all: the only place where temporary files are made."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

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
    temporary = path.with_name(TEMPORARY_GLOB.replace("*", secrets.token_hex(8)))
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
