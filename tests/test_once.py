"""What is found once for an object."""

from __future__ import annotations

import gc

import pytest

from hasnet_models.once import once


class Thing:
    pass


def test_it_is_found_once_for_each_and_forgotten_with_it():
    calls = []

    @once
    def number(thing: Thing) -> int:
        calls.append(thing)
        return len(calls)

    a, b = Thing(), Thing()
    assert [number(a), number(b), number(a), number(b)] == [1, 2, 1, 2]
    calls.clear()
    del a
    gc.collect()
    assert number(Thing()) == 1  # another one, though it may lie where `a` lay


def test_what_fails_is_tried_again():
    tries = []

    @once
    def fails(thing: Thing) -> int:
        tries.append(thing)
        if len(tries) == 1:
            raise ValueError
        return 7

    thing = Thing()
    with pytest.raises(ValueError):
        fails(thing)
    assert fails(thing) == 7 and len(tries) == 2
