"""Locks that the operating system holds and drops when the process ends, however it ends.

The file of a dead process is no obstacle.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from hasnet_models.errors import UsageError

# What file systems without locks answer (NFS, some FUSE).
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

Say = Callable[[str], None]


@contextlib.contextmanager
def held(path: Path, say: Say = lambda note: None) -> Iterator[None]:
    """Hold the lock of a file, which is made for it and removed afterwards.

    Args:
        say: takes a note where the file system knows no locks; the work goes on without one.

    Raises:
        UsageError: another process has it.
        OSError: the file cannot be written.
    """
    file = _acquire(path, say)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def refuse_if_held(path: Path) -> None:
    """Raises UsageError where another process holds the lock of this file; makes no file."""
    with contextlib.suppress(OSError), path.open("r+", encoding="utf-8") as file:
        if _try_lock(file) is False:
            raise _in_use(path)


def _acquire(path: Path, say: Say) -> IO[str]:
    while True:
        file = path.open("a+", encoding="utf-8")
        locked = _try_lock(file)
        if locked is False:
            file.close()
            raise _in_use(path)
        # The one who had it may have removed the file between our opening and our locking.
        with contextlib.suppress(OSError):
            if _is_the_file(file, path):
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}")
                file.flush()
                if locked is None:
                    say(f"There are no locks in {path.parent}: start no second run there.")
                return file
        file.close()


def _is_the_file(file: IO[str], path: Path) -> bool:
    return os.path.samestat(os.fstat(file.fileno()), path.stat())


def _in_use(path: Path) -> UsageError:
    owner = ""
    with contextlib.suppress(OSError):
        owner = path.read_text(encoding="utf-8")
    return UsageError(
        f"Another run is writing into {path.parent} ({owner or 'unknown process'}).",
        "Wait for it to end, or give another folder as out=DIR.",
        parameters=("out",),
    )


def _try_lock(file: IO[str]) -> bool | None:
    """Whether this process has the lock now; None where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return _try_lock_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def _try_lock_windows(file: IO[str]) -> bool:
    import msvcrt

    try:
        file.seek(2**30)  # beyond the text, which others may read then
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
