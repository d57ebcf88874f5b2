"""Standard streams that are closed, as services close them (`>&-`)."""

from __future__ import annotations

import os
import sys

STDOUT = "stdout"
_STREAMS = (("stdin", "r"), (STDOUT, "w"), ("stderr", "w"))

closed: set[str] = set()  # those that were closed when the program began


def keep_open() -> None:
    """Put the null device in the place of closed streams.

    Otherwise the next file to be opened would be one of them, and what is said would go into it.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
            closed.add(name)
