"""How many threads there are, and work that is shared out among them."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from hasnet_models import threads


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({"HASNET_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"HASNET_THREADS": "0", "OMP_NUM_THREADS": "x"}, 7),
        ({}, 7),
    ],
)
def test_threads_are_those_that_are_asked_for_or_may_be_used(monkeypatch, variables, count):
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(7)), raising=False)
    assert threads.thread_count() == count


@pytest.mark.parametrize("count", [1, 2, 64])
def test_what_is_done_side_by_side_comes_in_its_order(monkeypatch, count):
    monkeypatch.setenv("HASNET_THREADS", str(count))
    assert threads.side_by_side(partial(pow, n, 2) for n in range(9)) == [n * n for n in range(9)]
    assert threads.side_by_side([]) == []


@pytest.mark.parametrize("count", [1, 2])
def test_the_first_failure_is_told(monkeypatch, count):
    monkeypatch.setenv("HASNET_THREADS", str(count))
    tasks = [partial(int, text) for text in ("1", "first", "second")]
    with pytest.raises(ValueError, match="first"):
        threads.side_by_side(tasks)


def test_two_tasks_work_at_once(monkeypatch):
    monkeypatch.setenv("HASNET_THREADS", "2")
    both = threading.Barrier(2, timeout=30)  # passed by two at a time alone
    assert sorted(threads.side_by_side([both.wait] * 4)) == [0, 0, 1, 1]
