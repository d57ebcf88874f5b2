"""How many threads there are to work on, and work done side by side on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

VARIABLES = ("HASNET_THREADS", "OMP_NUM_THREADS")
MOST = 4  # beside each other; what is shared out comes in few pieces
Found = TypeVar("Found")


def thread_count() -> int:
    """HASNET_THREADS or OMP_NUM_THREADS, else the cores that this process may use."""
    for name in VARIABLES:
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text):
            return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def side_by_side(tasks: Iterable[Callable[[], Found]]) -> list[Found]:
    """What some tasks give, in their order; one after the other where there is one thread.

    OpenCV, NumPy and onnxruntime let other threads run while they work.

    Raises:
        Exception: what the first task that failed raised.
    """
    threads = min(thread_count(), MOST)
    if threads == 1:
        return [task() for task in tasks]
    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]
