"""sha256 of files; those of weight files are kept between processes.

To read all networks of an avatar for their sha256 takes longer than to recolour a face. What is
kept lies in the user's cache folder, with all that the system says of a file's state: inode, size,
and the times of its content and of its entry, the last of which no program sets. Damage that leaves
all of these alone, as of a failing disk, is found by reading (`anew`), which `hasnet doctor` does.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import threading
import time
from functools import lru_cache
from pathlib import Path

from hasnet_models import folders
from hasnet_models.atomic import write_whole
from hasnet_models.errors import WeightsError

FILE = "digests.json"
_MOST = 64  # files, of which those checked last
# coarser than any file system's clock
_SETTLED_NS = 3_000_000_000

Kept = dict[str, list[int | str]]  # path -> its state and then its digest

_new: Kept = {}
_lock = threading.Lock()


def sha256_of(path: Path, *, anew: bool = False) -> str:
    """Hex sha256 of a file, read once a process as long as its state stays.

    A file that was written a moment ago is read every time: its next version could have the same
    time.

    Args:
        anew: read it whatever is known of it.
    """
    state = _state(path)
    if anew or _is_fresh(state[2]):
        return _read(path)
    return _settled_digest(path.resolve(), *state)


def keep(path: Path, digest: str) -> None:
    """Keep the digest of a file for other processes; written when this one ends."""
    state, name = _state(path), str(path.resolve())
    if any(map(_is_fresh, state[2:])):
        return
    if _kept(_file()).get(name) != [*state, digest]:
        with _lock:
            if not _new:
                atexit.register(flush)
            _new[name] = [*state, digest]


def flush() -> None:
    """Write what is to be kept; a folder that is full or cannot be written costs time only."""
    with _lock, contextlib.suppress(WeightsError):
        if not _new:
            return
        found = {n: entry for n, entry in _kept_now(_file()).items() if n not in _new} | _new
        _new.clear()
        data = json.dumps(dict(list(found.items())[-_MOST:])).encode()
        write_whole(_file(), data, WeightsError, folders=True)


def _state(path: Path) -> tuple[int, int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_fresh(time_ns: int) -> bool:
    return abs(time.time_ns() - time_ns) < _SETTLED_NS


def _read(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=256)
def _settled_digest(path: Path, *state: int) -> str:
    """The digest of a file in this state."""
    entry = _kept(_file()).get(str(path))
    known = entry is not None and entry[:-1] == list(state)
    return str(entry[-1]) if known else _read(path)


def _file() -> Path:
    return folders.user_folder("cache") / FILE


@lru_cache(maxsize=1)
def _kept(file: Path) -> Kept:
    """What earlier processes kept."""
    return _kept_now(file)


def _kept_now(file: Path) -> Kept:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {name: entry for name, entry in found.items() if _is_entry(entry)}
    # it may be missing, damaged, or of another shape
    except (OSError, ValueError, AttributeError):
        return {}


def _is_entry(entry: object) -> bool:
    kinds = [int] * 4 + [str]
    return isinstance(entry, list) and [type(one) for one in entry] == kinds
