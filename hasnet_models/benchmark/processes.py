"""Whole programs: their seconds from start to end, and the most memory they held."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hasnet_models.errors import HasnetError

_MIB = 2**20


@dataclass(frozen=True)
class Cost:
    """What a program took.

    Attributes:
        seconds: by the clock.
        processor: seconds of processor time; 0 where the system does not tell it (Windows).
        mib: the most memory; None where the system does not tell it.
    """

    seconds: float
    processor: float
    mib: float | None


def cost(command: Sequence[str]) -> Cost:
    """Of one run of a command, its output dropped.

    Raises:
        HasnetError: it fails.
    """
    run = [sys.executable, "-I", "-S", str(Path(__file__).with_name("alone.py")), *command]
    found = subprocess.run(run, capture_output=True, text=True, errors="replace", check=False)
    if found.returncode:
        last = found.stderr.strip().rpartition("\n")[2]
        raise HasnetError(f"`{' '.join(command[1:4])}` failed: {last}")
    took, processor, peak = found.stdout.split()
    return Cost(float(took), float(processor), _mib(int(peak)) if int(peak) else None)


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
