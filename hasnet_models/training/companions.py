"""Several processes of one machine that train together, started by the first of them.

``torchrun`` does the same, over several machines too; what they exchange is in
:mod:`hasnet_models.training.distributed`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import IO

from hasnet_models.config.schema import Preset
from hasnet_models.errors import HasnetError, UsageError

_GRACE = 5.0  # seconds in which what another process died of is seen here


def share_of(preset: Preset, stage: str, processes: int) -> Preset:
    """The preset of each process, so that together they have the preset's batch.

    Raises:
        UsageError: the batch does not come out even.
    """
    table = f"{stage}_train"
    train = getattr(preset, table)
    if train.batch % processes:
        raise UsageError(
            f"A batch of {train.batch} cannot be shared by {processes} processes.",
            f"Change {table}.batch.",
            parameters=("processes",),
        )
    return replace(preset, **{table: replace(train, batch=train.batch // processes)})


@contextmanager
def joined(processes: int, command: Sequence[str]) -> Iterator[None]:
    """Make this process the first of so many; one of several already goes on as it is.

    Args:
        command: the same training as a process of its own.

    Raises:
        UsageError: this is one of another number of processes.
        HasnetError: another process ended early; what it said last.
    """
    if "WORLD_SIZE" in os.environ or processes == 1:
        _refuse_another_number(processes)
        yield
        return
    own, *theirs = places(processes)
    with ExitStack() as stack:
        others = [stack.enter_context(_started(command, place)) for place in theirs]
        stack.enter_context(_in_environment(own))
        try:
            yield
        except RuntimeError as error:  # torch's, where the other end of a connection is gone
            if lost := next(filter(None, (other.lost() for other in others)), None):
                raise HasnetError(lost) from error
            raise
        for other in others:
            other.process.wait()


def places(processes: int) -> list[dict[str, str]]:
    """The variables that tell each of so many processes where they meet and which one it is."""
    with socket.socket() as bound:  # a port of this machine that nobody listens on
        bound.bind(("127.0.0.1", 0))
        port = str(bound.getsockname()[1])
    meet = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [{**meet, "RANK": str(n), "LOCAL_RANK": str(n)} for n in range(processes)]


def _refuse_another_number(processes: int) -> None:
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if processes not in (1, world):
        raise UsageError(
            f"{world} processes have been started, not {processes}.",
            "Leave either torchrun or processes out.",
            parameters=("processes",),
        )


@dataclass(frozen=True)
class _Companion:
    """Another process, and the file that it writes its errors to."""

    number: int
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def lost(self) -> str | None:
        """What became of it if it has ended."""
        try:
            code = self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            return None
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        said = f": {lines[-1].strip()}" if lines else "."
        return f"Process {self.number + 1} of the training ended with {code}{said}"


@contextmanager
def _started(command: Sequence[str], place: Mapping[str, str]) -> Iterator[_Companion]:
    """A process that does not outlive this one's training."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env={**os.environ, **place}, stderr=errors,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield _Companion(int(place["RANK"]), process, errors)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


@contextmanager
def _in_environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
