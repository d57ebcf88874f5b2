"""What is found once for an object, and forgotten with it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

Of = TypeVar("Of")
Found = TypeVar("Found")


def once(find: Callable[[Of], Found]) -> Callable[[Of], Found]:
    """A function of one object that works once for each, as long as that object lives.

    For records that are compared by identity and never change, such as a photo or a face that was
    cut out of it. Two threads that ask at the same time may both work; they find the same.
    """
    kept: WeakKeyDictionary[Of, Found] = WeakKeyDictionary()

    @functools.wraps(find)
    def found(of: Of) -> Found:
        try:
            return kept[of]
        except KeyError:
            return kept.setdefault(of, find(of))

    return found
