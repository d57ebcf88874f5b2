"""What the program says: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from hasnet_models.errors import HasnetError

if TYPE_CHECKING:
    from rich.console import Console

    from hasnet_models.domains import Registry

_PIPE_WIDTH = 10_000


class Terminal:
    """Says things at three levels: errors always, notes unless `-q`, details only with `-v`."""

    def __init__(self) -> None:
        self.verbosity = 0
        self._live: Console | None = None

    def result(self, text: str) -> None:
        """The outcome, on standard output."""
        click.echo(text)

    def say(self, text: str) -> None:
        """Something the user must see, on standard error."""
        if self._live:
            self._live.print(text, soft_wrap=True)
        else:
            click.echo(text, err=True)

    def note(self, text: str) -> None:
        """Something worth knowing."""
        if self.verbosity >= 0:
            self.say(text)

    def detail(self, text: str) -> None:
        """Something for whoever looks for a fault."""
        if self.verbosity > 0:
            self.say(text)

    def error(self, error: HasnetError) -> None:
        """One sentence, and what to do about it where that is known."""
        self.say(f"hasnet: {error}")
        if error.hint:
            self.say(f"  {error.hint}")

    def report_plugins(self, registry: Registry) -> None:
        """One line for each broken plugin; the traceback with `-v`."""
        for failure in registry.failures:
            self.note(
                f"Plugin {failure.distribution} {failure.version} is broken "
                f"({failure.stage}): {failure.error}"
            )
            self.detail(failure.details.rstrip())

    def rich(self, *, stderr: bool = False) -> Console:
        """A rich console that takes file names literally; it honours NO_COLOR.

        In a pipe or a file, lines are as long as they need to be.
        """
        from rich.console import Console

        console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
        if not console.is_terminal:
            console.width = _PIPE_WIDTH
        return console

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[], None]]:
        """A bar on standard error where that is a terminal; gives what advances it by one.

        What is said meanwhile appears above the bar.
        """
        if self.verbosity < 0 or not sys.stderr.isatty():
            yield lambda: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.rich(stderr=True)) as bar:
            task = bar.add_task("", total=total)
            self._live = bar.console
            try:
                yield lambda: bar.advance(task)
            finally:
                self._live = None


def verbosity_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add -q and -v; they count the same before and after the name of a command."""
    quiet = click.option(
        "-q", "--quiet", count=True, expose_value=False, callback=_changer(-1),
        help="Say only errors.",
    )  # fmt: skip
    verbose = click.option(
        "-v", "--verbose", count=True, expose_value=False, callback=_changer(1),
        help="Say more, and show where an internal error happened.",
    )  # fmt: skip
    return verbose(quiet(function))


def _changer(sign: int) -> Callable[[click.Context, click.Parameter, int], None]:
    def change(ctx: click.Context, _parameter: click.Parameter, count: int) -> None:
        ctx.ensure_object(Terminal).verbosity += sign * count

    return change
