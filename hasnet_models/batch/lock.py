"""One run at a time on an output folder.

Shards of one batch have a lock each; a run over all photos and a run over a shard exclude each
other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from hasnet_models.batch.plan import Shard
from hasnet_models.errors import ImageError
from hasnet_models.locking import Say, held, refuse_if_held

_WHOLE = ".hasnet.lock"
_SHARDS = ".hasnet-*of*.lock"


@contextlib.contextmanager
def locked(out: Path, shard: Shard | None = None, say: Say = lambda note: None) -> Iterator[None]:
    """Hold the lock of an output folder, which is made where it is missing.

    Raises:
        UsageError: another run has it.
        ImageError: the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(_file(out, shard), say))
        except OSError as error:
            raise ImageError(f"The folder {out} cannot be written: {error.strerror}.") from error
        for rival in _rivals(out, shard):
            refuse_if_held(rival)
        yield


def check_free(out: Path, shard: Shard | None = None) -> None:
    """Find out before the networks are loaded whether another run has the folder.

    Raises:
        UsageError: it has.
    """
    for path in (_file(out, shard), *_rivals(out, shard)):
        refuse_if_held(path)


def _file(out: Path, shard: Shard | None) -> Path:
    return out / (f".hasnet-{shard.label}.lock" if shard else _WHOLE)


def _rivals(out: Path, shard: Shard | None) -> Iterable[Path]:
    return [out / _WHOLE] if shard else out.glob(_SHARDS)
