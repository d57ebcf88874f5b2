"""Work that is begun before it is asked for."""

from __future__ import annotations

import threading

import pytest

from hasnet_models.ahead import Ahead


def test_what_was_begun_is_taken_once():
    ahead: Ahead[str] = Ahead()
    ahead.begin("a", lambda: threading.current_thread().name)
    ahead.begin("a", lambda: "begun twice")
    assert ahead.take("a", lambda: "now").startswith("ahead")
    assert ahead.take("a", lambda: "now") == "now"
    assert ahead.take("b", lambda: "never begun") == "never begun"


def test_it_is_done_while_the_caller_does_other_things():
    ahead: Ahead[bool] = Ahead()
    gone_on = threading.Event()
    ahead.begin("a", lambda: gone_on.wait(10))
    gone_on.set()
    assert ahead.take("a", lambda: False)


def test_what_fails_fails_where_it_is_asked_for_and_can_be_tried_again():
    ahead: Ahead[int] = Ahead()
    ahead.begin("a", lambda: 1 // 0)
    ahead.begin("b", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        ahead.take("a", lambda: 1)
    assert ahead.take("b", lambda: 0) == 2
    ahead.begin("a", lambda: 3)
    assert ahead.take("a", lambda: 0) == 3


def test_what_is_dropped_is_not_waited_for():
    ahead: Ahead[str] = Ahead()
    go_on, began, done = threading.Event(), threading.Event(), []
    ahead.begin("failed", lambda: str(1 // 0))
    ahead.begin("found", lambda: "found")
    ahead.begin("at work", lambda: began.set() or str(go_on.wait(10)))
    ahead.begin("waiting", lambda: done.append("waiting") or "waiting")
    assert began.wait(10)
    assert ahead.drop() == ["found"] and ahead.drop() == []
    go_on.set()
    assert ahead.take("waiting", lambda: "now") == "now"
    ahead.begin("waiting", lambda: "again")
    assert ahead.take("waiting", lambda: "now") == "again" and done == []
