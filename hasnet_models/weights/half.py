"""Numbers of 16 bits as such of 32: numpy's own conversion takes them one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_INFINITE = 0x7C00  # the exponent of all that is no finite number
_PLACE = 13  # bits that a fraction of 32 bits has beyond one of 16
_KEPT = np.int32(-0x70002000)  # sign, exponent and fraction, once they are in their places
_UNIT = np.float32(2.0**112)  # the exponents' zeros lie 127 - 15 apart


def as_float32(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Floating numbers of any shape as float32, each of float16 exactly.

    The bits of a float16 put in the places of a float32's are its value but for a factor, with
    numbers near zero among them; only what is infinite or no number is not.
    """
    if values.dtype != np.float16:
        return values.astype(np.float32)
    bits = np.asarray(values, order="C").view(np.int16)
    if ((bits & _INFINITE) == _INFINITE).any():
        return values.astype(np.float32)
    wide = bits.astype(np.int32)
    wide <<= _PLACE
    wide &= _KEPT
    found = wide.view(np.float32)
    found *= _UNIT
    return found
