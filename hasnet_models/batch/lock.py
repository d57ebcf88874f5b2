"""One run at a time on an output folder.

The operating system holds the lock and drops it when the process ends, however it ends: the file
of a dead process is no obstacle. Shards of one batch have a lock each; a run over all photos and
a run over a shard exclude each other.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hasnet_models.batch.plan import Shard
from hasnet_models.errors import ImageError, UsageError

_WHOLE = ".hasnet.lock"
_SHARDS = ".hasnet-*of*.lock"


@contextlib.contextmanager
def locked(out: Path, shard: Shard | None = None) -> Iterator[None]:
    """Hold the lock of an output folder, which is made where it is missing.

    Raises:
        UsageError: another run has it.
        ImageError: the folder cannot be written.
    """
    name = f".hasnet-{shard.label}.lock" if shard else _WHOLE
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = _acquire(out / name)
    except OSError as error:
        raise ImageError(f"The folder {out} cannot be written: {error.strerror}.") from error
    try:
        for rival in [out / _WHOLE] if shard else out.glob(_SHARDS):
            _refuse_if_held(rival)
        yield
    finally:
        with contextlib.suppress(OSError):
            (out / name).unlink()
        file.close()


def _acquire(path: Path) -> IO[str]:
    while True:
        file = path.open("a+", encoding="utf-8")
        if not _try_lock(file):
            file.close()
            raise _in_use(path)
        # The one who had it may have removed the file between our opening and our locking.
        with contextlib.suppress(OSError):
            if _is_the_file(file, path):
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}")
                file.flush()
                return file
        file.close()


def _is_the_file(file: IO[str], path: Path) -> bool:
    return os.path.samestat(os.fstat(file.fileno()), path.stat())


def _refuse_if_held(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as file:
        if not _try_lock(file):
            raise _in_use(path)


def _in_use(path: Path) -> UsageError:
    owner = ""
    with contextlib.suppress(OSError):
        owner = path.read_text(encoding="utf-8")
    return UsageError(
        f"Another run is writing into {path.parent} ({owner or 'unknown process'}).",
        "Wait for it to end, or give another folder as out=DIR.",
        parameters=("out",),
    )


def _try_lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:
        return _try_lock_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_lock_windows(file: IO[str]) -> bool:
    import msvcrt

    try:
        file.seek(2**30)  # beyond the text, which others may read then
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
