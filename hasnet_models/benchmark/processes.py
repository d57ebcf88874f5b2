"""Whole programs: their seconds from start to end, and the most memory they held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hasnet_models.errors import HasnetError

_MIB = 2**20


@dataclass(frozen=True)
class Cost:
    """What a program took; `mib` is None where the system does not tell it (Windows)."""

    seconds: float
    mib: float | None


def cost(command: Sequence[str]) -> Cost:
    """Of one run of a command, its output dropped.

    Raises:
        HasnetError: it fails.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read() if process.stderr else b""
    mib = None
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode, mib = os.waitstatus_to_exitcode(status), _mib(usage.ru_maxrss)
    if process.wait():
        text = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise HasnetError(f"`{' '.join(command[1:4])}` failed: {text}")
    return Cost(time.perf_counter() - start, mib)


def own_peak() -> float | None:
    """The most memory this process held so far, in MiB; None where the system does not tell it."""
    try:
        import resource
    except ImportError:
        return None
    return _mib(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _mib(maxrss: int) -> float:
    """macOS counts in bytes, the others in KiB."""
    return maxrss / (_MIB if sys.platform == "darwin" else 1024)
