"""Fields that no picture decides, kept for the next picture: grain and grounds of one seed.

A slider that is moved, or a clip's next frame, asks for the same paper again and again.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from hasnet_models.medium.scale import Field

MOST_BYTES = 16 << 20  # all that is kept at once: the fields of one face of 512 px in its medium


class Recent:
    """The fields that were asked for last, by what they follow from.

    Args:
        most: bytes of them together.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most, self.used = most, 0
        self._kept: OrderedDict[Hashable, Field] = OrderedDict()
        self._lock = Lock()

    def __call__(self, make: Callable[..., Field]) -> Callable[..., Field]:
        """A function of numbers, by position, that does not make the same field twice in turn.

        What it gives is shared, so it cannot be written to.
        """

        @functools.wraps(make)
        def asked(*numbers: Hashable) -> Field:
            key = (make.__qualname__, *numbers)
            found = self._taken(key)
            return self._put(key, make(*numbers)) if found is None else found

        return asked

    def _taken(self, key: Hashable) -> Field | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _put(self, key: Hashable, field: Field) -> Field:
        field.setflags(write=False)
        with self._lock:
            if key not in self._kept and field.nbytes <= self.most:
                self._kept[key] = field
                self.used += field.nbytes
            while self.used > self.most:
                self.used -= self._kept.popitem(last=False)[1].nbytes
        return field


recent = Recent()
