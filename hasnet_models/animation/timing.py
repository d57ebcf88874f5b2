"""When what happens in a loop. Values are rounded, so that equal frames are drawn once."""

from __future__ import annotations

import math

DELAY_MS = 80  # of a frame: 12.5 a second, which GIF can say to the hundredth
_DIGITS = 4


def smooth(t: float) -> float:
    """0..1 to 0..1, at rest at both ends."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def pulse(t: float, rise: float, hold: float, fall: float) -> float:
    """From 0 to 1 and back, beginning at 0; all in seconds."""
    if t < rise + hold:
        return smooth(t / rise)
    return 1 - smooth((t - rise - hold) / fall)


def swing(t: float) -> float:
    """-1..1 over a loop (t 0..1), beginning and ending in the middle."""
    return round(math.sin(2 * math.pi * t), _DIGITS)


def there_and_back(t: float, rest: float) -> float:
    """0, then 1, then 0 over a loop (t 0..1), at rest for a share of it at each end."""
    way = 1 - abs(2 * t - 1)
    return round(smooth((way - rest) / (1 - 2 * rest)), _DIGITS)


def times(seconds: float) -> list[float]:
    """The beginning of each frame of a loop, in seconds."""
    return [i * DELAY_MS / 1000 for i in range(round(seconds * 1000 / DELAY_MS))]
