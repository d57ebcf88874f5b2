"""Names and identities of files: standard input, outputs, numbered ones, one file twice."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

STREAM = "-"
STDIN = "<stdin>"  # what a picture from there is called
_LONGEST = 255  # bytes of a name on the file systems in use
_DIGEST = 8


def stem_of(picture: str) -> str:
    """What an output is called after: the file name without suffix."""
    return "stdin" if picture == STREAM else Path(picture).stem


def numbered(path: Path, number: int) -> Path:
    """The file of one face out of several: name-1.png, name-2.png ..."""
    return path.with_name(fitting(path.stem, f"-{number}{path.suffix}"))


def fitting(stem: str, ending: str) -> str:
    """`stem` + `ending`, the stem cut where a file system has no room for the whole name.

    A hash of the whole stem takes the place of what is cut, so that two names stay two.
    """
    room = _LONGEST - len(os.fsencode(ending))
    name = os.fsencode(stem)
    if len(name) <= room:
        return stem + ending
    # of a name in hundreds; it brings OpenSSL, and every command imports this module
    import hashlib

    mark = "~" + hashlib.sha256(name).hexdigest()[:_DIGEST]
    while len(os.fsencode(stem)) > room - len(mark):
        stem = stem[:-1]
    return stem + mark + ending


def is_file(path: Path) -> bool:
    """As `Path.is_file`, but no as well where it cannot be looked at."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib's raises where a folder is closed to us


def exists(path: Path) -> bool:
    """As `Path.exists`, but no as well where it cannot be looked at."""
    return os.path.exists(path)  # noqa: PTH110 - see `is_file`


def is_folder(path: Path) -> bool:
    """As `Path.is_dir`, but no as well where it cannot be looked at."""
    return os.path.isdir(path)  # noqa: PTH112 - see `is_file`


def is_link(path: Path) -> bool:
    """As `Path.is_symlink`, but no as well where it cannot be looked at."""
    return os.path.islink(path)  # noqa: PTH114 - see `is_file`


def identity_of(path: str | Path) -> tuple[int, int] | None:
    """What two names of one file, links of both kinds among them, have in common.

    None where there is no such file; standard input is the file that was put in its place.
    """
    try:
        found = os.fstat(sys.stdin.fileno()) if str(path) == STREAM else Path(path).stat()
    except (OSError, ValueError, AttributeError):  # closed, or no file but a test's stream
        return None
    ordinary = stat.S_ISREG(found.st_mode)
    return (found.st_dev, found.st_ino) if ordinary else None


def first_same(path: str | Path, others: Iterable[str | Path]) -> str | Path | None:
    """The first of the others that is the same file as `path`, under whatever name."""
    identity = identity_of(path)
    if identity is None:
        return None
    return next((other for other in others if identity_of(other) == identity), None)
