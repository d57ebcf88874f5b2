"""The One-Euro filter: little jitter at rest, little lag in motion (Casiez, Roussel, Vogel 2012).

A low pass whose cut-off rises with speed: f = least + slope * |dx/dt|.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SPEED_CUTOFF = 1.0  # Hz, of the speed itself, as in the paper


@dataclass
class OneEuro:
    """Filters an array of any shape, each number on its own.

    Attributes:
        least: cut-off at rest, Hz; lower is calmer.
        slope: Hz for each unit of speed; higher lags less.
        value, speed: what it is at, float32; None before the first.
        time: of the value, in seconds.
    """

    least: float
    slope: float
    value: NDArray[np.float32] | None = None
    speed: NDArray[np.float32] | None = None
    time: float = 0.0

    def step(self, found: NDArray, time: float, unit: float = 1.0) -> NDArray[np.float32]:
        """The filtered array.

        Args:
            found: as measured.
            time: in seconds; one that is not later than the last begins anew.
            unit: what counts as 1 in speeds, such as the size of a face in px.
        """
        found = np.asarray(found, np.float32)
        span = time - self.time
        if self.value is None or self.speed is None or span <= 0 or found.shape != self.value.shape:
            self.value, self.speed, self.time = found, np.zeros_like(found), time
            return found
        rising = _share(np.float32(_SPEED_CUTOFF), span)
        self.speed = self.speed + rising * ((found - self.value) / span - self.speed)
        cutoff = self.least + self.slope * np.abs(self.speed) / unit
        self.value = self.value + _share(cutoff, span) * (found - self.value)
        self.time = time
        return self.value

    def reset(self) -> None:
        """Begin anew with the next."""
        self.value = self.speed = None


def _share(cutoff: NDArray, span: float) -> NDArray:
    """What of a new value is taken by a low pass of that cut-off, 0..1."""
    turn = 2 * math.pi * cutoff * span
    return turn / (turn + 1)
