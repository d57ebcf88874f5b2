"""What was asked for last, kept; what was asked for longest ago makes room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Value = TypeVar("Value")


class Lru:
    """Values by what they depend on; for several threads, two of which may make the same one.

    Args:
        most: kept at once.
        size: of a value, in the unit of `most`; without it each counts as one. A value that alone
            is larger than `most` is not kept.

    Attributes:
        used: size of all that is kept.
    """

    def __init__(self, most: int, size: Callable[[Any], int] = lambda _: 1) -> None:
        self.most, self.used = most, 0
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """What is kept under the key, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def get_or(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What is kept under the key, made where it is not."""
        found = self.get(key)
        return self._put(key, make()) if found is None else found

    def _put(self, key: Hashable, made: Value) -> Value:
        with self._lock:
            if key not in self._kept and self._size(made) <= self.most:
                self._kept[key] = made
                self.used += self._size(made)
            while self.used > self.most:
                self.used -= self._size(self._kept.popitem(last=False)[1])
        return made
