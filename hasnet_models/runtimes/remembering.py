"""A runtime that does not do twice what a slider leaves as it was, and can be told to stop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from hasnet_models.lru import Lru
from hasnet_models.runtimes.contract import Pixels, Planes, Runtime


class Remembering:
    """As the runtime in it; the last z_id, X_RT and warped planes are kept, by the arrays they were
    made of.

    Shape, colouring and strength of an avatar change nothing before X_RT, its colouring nothing
    before that is warped, so that a page asks for the same ones again and again.

    Args:
        go_on: called before each operation that has to be done; what it raises ends the avatar.
        most: results kept.
    """

    def __init__(
        self, runtime: Runtime, go_on: Callable[[], None] = lambda: None, most: int = 16
    ) -> None:
        self._runtime = runtime
        self._go_on = go_on
        self._kept = Lru(most)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def embed(self, pictures: Pixels) -> Planes:
        """See `Runtime.embed`."""
        return self._once(self._runtime.embed, pictures)

    def recolour(self, *arrays: np.ndarray) -> tuple[Planes, Planes]:
        """See `Runtime.recolour`."""
        return self._once(self._runtime.recolour, *arrays)

    def warp(self, planes: Planes, flow: Planes) -> Planes:
        """See `Runtime.warp`."""
        return self._once(self._runtime.warp, planes, flow)

    def lay(self, *arguments: Any, **named: Any) -> Planes:
        """See `Runtime.lay`."""
        self._go_on()
        return self._runtime.lay(*arguments, **named)

    def redraw(self, *arguments: Any, **named: Any) -> Planes:
        """See `Runtime.redraw`."""
        self._go_on()
        return self._runtime.redraw(*arguments, **named)

    def _once(self, operation: Callable[..., Any], *arrays: np.ndarray) -> Any:
        def done() -> Any:
            self._go_on()
            return operation(*arrays)

        return self._kept.get_or(operation.__name__ + "".join(map(_digest, arrays)), done)


def _digest(array: np.ndarray) -> str:
    data = np.ascontiguousarray(array)
    return hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest() + str(data.shape)
