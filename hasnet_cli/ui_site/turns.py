"""Who works: one at a time, and none for what nobody waits for any more."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hasnet_models.errors import HasnetError

PAGES = 100  # whose newest change is known at once


class GivesWay(HasnetError):
    """What was asked for gave way to something newer or more urgent."""


class Turns:
    """A picture gives way to a newer one of the same page, a thumbnail to everything else.

    Whoever has the turn calls `go_on` between its steps; others wait, or leave as soon as nobody
    waits for them.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._asking = 0
        self._busy = False
        self._stale: Callable[[], bool] = _never

    @contextmanager
    def picture(self, page: str = "", number: int = 0) -> Iterator[None]:
        """A turn for what a user waits for.

        Args:
            page: the tab that asks; all without a name wait for each other.
            number: of its changes; a greater one is newer.

        Raises:
            GivesWay: the page has asked for something newer.
        """
        with self._change:
            self._newest[page] = max(number, self._newest.pop(page, number))
            if len(self._newest) > PAGES:
                self._newest.popitem(last=False)
        with self._turn(lambda: self._newest.get(page, number) > number, asking=1):
            yield

    @contextmanager
    def thumbnail(self) -> Iterator[None]:
        """A turn for what can wait.

        Raises:
            GivesWay: somebody waits.
        """
        with self._turn(lambda: self._asking > 0, asking=0):
            yield

    def go_on(self) -> None:
        """Raises GivesWay where whoever has the turn is to leave it."""
        _refuse(self._stale)

    @contextmanager
    def _turn(self, stale: Callable[[], bool], asking: int) -> Iterator[None]:
        with self._change:
            self._asking += asking
            self._change.notify_all()
            self._change.wait_for(lambda: stale() or not self._busy)
            self._asking -= asking
            _refuse(stale)
            self._busy, self._stale = True, stale
        try:
            yield
        finally:
            with self._change:
                self._busy, self._stale = False, _never
                self._change.notify_all()


def _never() -> bool:
    return False


def _refuse(stale: Callable[[], bool]) -> None:
    if stale():
        raise GivesWay("Something newer was asked for.")
