"""Fields that no picture decides, kept for the next one."""

from __future__ import annotations

import numpy as np
import pytest

from hasnet_models.medium import ground
from hasnet_models.medium.recent import MOST_BYTES, Recent, recent


def counted(most: int):
    calls = []

    @Recent(most)
    def field(side: int, seed: int) -> np.ndarray:
        calls.append((side, seed))
        return np.full((side, side), seed, np.float32)

    return field, calls


def test_a_field_is_made_once_and_shared():
    field, calls = counted(10_000)
    assert field(4, 1) is field(4, 1) and field(4, 2).max() == 2 and calls == [(4, 1), (4, 2)]
    with pytest.raises(ValueError):
        field(4, 1)[0] = 5


def test_the_oldest_makes_room_and_what_is_too_large_is_not_kept():
    field, calls = counted(3 * 4 * 4 * 4)
    for seed in (1, 2, 3, 1, 4):  # 2 is the one that was asked for longest ago
        field(4, seed)
    assert len(calls) == 4
    field(4, 1), field(4, 3)
    assert len(calls) == 4
    field(4, 2)
    assert len(calls) == 5
    assert field(40, 1) is not field(40, 1)
    field(4, 2)
    assert len(calls) == 7


def test_grounds_are_the_same_however_often_and_in_whatever_order():
    first = [make((64, 64), 64.0, 1.1, 3).copy() for make in (ground.paper, ground.canvas)]
    for seed in range(40):
        ground.paper((64, 64), 64.0, 1.1, seed + 10)
    again = [make((64, 64), 64.0, 1.1, 3) for make in (ground.canvas, ground.paper)]
    assert (first[0] == again[1]).all() and (first[1] == again[0]).all()
    assert recent.used <= MOST_BYTES
