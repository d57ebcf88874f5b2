"""Work that is begun before it is asked for, on threads of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Ahead(Generic[Found]):
    """For work that waits for no Python, such as opening networks while modules are imported.

    What fails then fails where it is asked for.

    Args:
        threads: that work at once.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[Hashable, Future[Found]] = {}

    def begin(self, key: Hashable, work: Callable[[], Found]) -> None:
        """Begin work that gives what will be asked for by that key; once, until it is taken."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "ahead")
        if key not in self._begun:
            self._begun[key] = self._pool.submit(work)

    def take(self, key: Hashable, work: Callable[[], Found]) -> Found:
        """What was begun by that key, or the work done now; what is taken is begun no more.

        Raises:
            Exception: what the work raised.
        """
        begun = self._begun.pop(key, None)
        return work() if begun is None else begun.result()

    def drop(self) -> list[Found]:
        """Forget what was not taken, so that a program that ends does not wait for all of it.

        Returns:
            What was found already.
        """
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        begun, self._begun, self._pool = self._begun.values(), {}, None
        done = [one for one in begun if one.done() and not one.cancelled()]
        return [one.result() for one in done if one.exception() is None]
