"""Running code of a plugin, which may print, raise anything, or ask the program to end.

Whatever it raises, SystemExit and asyncio.CancelledError too, is a `Crash`: the plugin's fault and
not the end of the program. KeyboardInterrupt is ambiguous, so it is told apart by the signal: while
plugin code runs, a handler around the one for SIGINT notes what that one raises. This is the user's
Ctrl-C and goes on, even if the plugin swallows it or makes another error of it; a KeyboardInterrupt
without a signal is a crash like any other. (Signals reach the main thread only; in another thread
it is always the plugin's.)
"""

from __future__ import annotations

import contextlib
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hasnet_models.errors import HasnetError


class Crash(Exception):
    """What code of a plugin raised: `cause`, as text one line, in `details` the traceback."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(line(cause))
        self.cause = cause
        self.details = "".join(traceback.format_exception(cause))


def line(error: BaseException) -> str:
    """An error in one line, with its class unless it is one of hasnet's own."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # a plugin's error may fail at saying what it is
        text = "(it has no text)"
    if isinstance(error, HasnetError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def isolated() -> Iterator[None]:
    """Run plugin code in this block; what it prints goes to standard error.

    Raises:
        Crash: it raised something.
        KeyboardInterrupt: the user pressed Ctrl-C (or what the program's own handler raises then).
    """
    with _noted_interrupts() as interrupts:
        try:
            # Standard output is for results only.
            with contextlib.redirect_stdout(sys.stderr):
                yield
        except BaseException as error:
            if not interrupts:
                raise Crash(error) from error
        if interrupts:
            raise interrupts[0]


@contextmanager
def _noted_interrupts() -> Iterator[list[BaseException]]:
    """Collects what the handler of SIGINT raises meanwhile."""
    raised: list[BaseException] = []
    before = signal.getsignal(signal.SIGINT)

    def handler(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except BaseException as error:
            raised.append(error)
            raise

    if callable(before):
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, handler)
    try:
        yield raised
    finally:
        # A plugin may have put its own handler in place; that one stays.
        if signal.getsignal(signal.SIGINT) is handler:
            signal.signal(signal.SIGINT, before)
