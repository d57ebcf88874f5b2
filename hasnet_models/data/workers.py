"""Work on many items: in threads, in order; and in processes that are started, never forked."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, TypeVar

from hasnet_models.errors import HasnetError

In = TypeVar("In")
Out = TypeVar("Out")
Result = Callable[[], Any]
Submit = Callable[..., Result]

_MOST_PROCESSES = 8
_FIRST_HERE = 8


def ordered(
    function: Callable[[In], Out], items: Iterable[In], workers: int = 2, ahead: int = 64
) -> Iterator[Out]:
    """Map in threads, in order, at most ``ahead`` items before the one that is taken."""
    waiting: deque = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextlib.contextmanager
def processes(first_here: int = _FIRST_HERE) -> Iterator[Submit]:
    """Gives ``submit(function, *args)``, whose return value gives the result when it is called.

    The first calls run here, because starting processes takes a second; the others run in
    processes of their own. These are started afresh (spawn): a fork of a process in which torch
    runs threads may hang. So the function must be one that another process can import, and a
    script that gets here must have its ``if __name__ == "__main__"``.

    Raises:
        HasnetError: by the result, where the processes have ended.
    """
    calls = 0
    with contextlib.ExitStack() as stack:
        pool: ProcessPoolExecutor | None = None

        def submit(function: Callable[..., Any], *args: Any) -> Result:
            nonlocal calls, pool
            calls += 1
            if calls <= first_here:
                value = function(*args)
                return lambda: value
            pool = pool or stack.enter_context(_pool())
            return partial(_result, pool.submit(function, *args))

        yield submit


def _pool() -> ProcessPoolExecutor:
    count = min(os.cpu_count() or 1, _MOST_PROCESSES)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, _leave_interrupts_to_the_parent)


def _result(future: Future) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise HasnetError(
            "The processes that compute vectors of faces have ended before their work was done.",
            "They may have been killed for want of memory; a script that loads faces needs "
            "`if __name__ == '__main__':` around its calls.",
        ) from error


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
