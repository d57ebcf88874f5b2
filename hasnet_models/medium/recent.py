"""Fields that no picture decides, kept for the next picture: grain and grounds of one seed.

A slider that is moved, or a clip's next frame, asks for the same paper again and again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable

from hasnet_models.lru import Lru
from hasnet_models.medium.scale import Field

MOST_BYTES = 16 << 20  # all that is kept at once: the fields of one face of 512 px in its medium


class Recent(Lru):
    """The fields that were asked for last, by what they follow from.

    Args:
        most: bytes of them together.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        super().__init__(most, lambda field: field.nbytes)

    def __call__(self, make: Callable[..., Field]) -> Callable[..., Field]:
        """A function of numbers, by position, that does not make the same field twice in turn.

        What it gives is shared, so it cannot be written to.
        """

        @functools.wraps(make)
        def asked(*numbers: Hashable) -> Field:
            return self.get_or((make.__qualname__, *numbers), lambda: _fixed(make(*numbers)))

        return asked


def _fixed(field: Field) -> Field:
    field.setflags(write=False)
    return field


recent = Recent()
