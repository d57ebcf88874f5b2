"""What the program says: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli.hints import hint_of
from hasnet_cli.settings import with_origins
from hasnet_models.errors import HasnetError

if TYPE_CHECKING:
    from rich.console import Console

    from hasnet_models.plugins import Registry

SCHEMA = 1
PROGRESS = ("auto", "rich", "jsonl", "none")
_PIPE_WIDTH = 10_000


class Terminal:
    """Says things at three levels: errors always, notes unless `-q`, details only with `-v`."""

    def __init__(self) -> None:
        self.verbosity = 0
        self.progress_mode = "auto"
        self._live: Console | None = None

    def result(self, text: str) -> None:
        """The outcome, on standard output.

        Raises:
            HasnetError: it cannot be written, for another reason than a reader that has gone.
        """
        with _output_explained():
            click.echo(text)

    def show(self, *renderables: Any) -> None:
        """The outcome as tables or styled text of rich."""
        with _output_explained():
            self.rich().print(*renderables)

    def json(self, document: Mapping[str, Any]) -> None:
        """The outcome as one JSON object, with the version of its schema."""
        import json

        whole = {"schema": SCHEMA, **document}
        self.result(json.dumps(whole, indent=2, ensure_ascii=False))

    def say(self, text: str) -> None:
        """Something the user must see, on standard error."""
        if self.progress_mode == "jsonl":
            self._event("message", text=text)
        elif self._live:
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
        self.say(f"hasnet: {with_origins(str(error))}")
        if hint := hint_of(error):
            self.say(f"  {hint}")

    def report_plugins(self, registry: Registry) -> None:
        """One line for each broken plugin; the traceback with `-v`."""
        for failure in registry.failures:
            self.note(
                f"Plugin {failure.distribution} {failure.version} is broken "
                f"({failure.stage}): {failure.error}"
            )
            self.detail(failure.details.rstrip())
        for sentence in registry.warnings:
            self.note(sentence)

    def rich(self, *, stderr: bool = False) -> Console:
        """A rich console that takes file names literally; it honours NO_COLOR.

        In a pipe or a file, lines are as long as they need to be.
        """
        from rich.console import Console

        console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
        if not console.is_terminal:
            console.width = _PIPE_WIDTH
        return console

    @staticmethod
    def may_colour() -> bool:
        """Whether a rich console might colour standard output, said without importing rich."""
        return sys.stdout.isatty() or "FORCE_COLOR" in os.environ or "TTY_COMPATIBLE" in os.environ

    def display(self) -> str:
        """How progress is shown: rich, jsonl or none."""
        if self.progress_mode != "auto":
            return self.progress_mode
        return "rich" if self.verbosity >= 0 and sys.stderr.isatty() else "none"

    @contextmanager
    def above(self, console: Console) -> Iterator[None]:
        """What is said meanwhile appears above what is live on ``console``."""
        self._live = console
        try:
            yield
        finally:
            self._live = None

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[..., None]]:
        """Progress on standard error; gives what advances it, by one or by the number given.

        `auto` shows a bar where standard error is a terminal, unless `-q`. What is said meanwhile
        appears above the bar. `jsonl` writes an object a step; messages are objects too.
        """
        shown = {"rich": self._bar, "jsonl": self._events, "none": _nothing}[self.display()]
        with shown(total) as advance:
            yield advance

    @contextmanager
    def _bar(self, total: int) -> Iterator[Callable[..., None]]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.rich(stderr=True)) as bar:
            task = bar.add_task("", total=total)
            with self.above(bar.console):
                yield lambda steps=1: bar.advance(task, steps)

    @contextmanager
    def _events(self, total: int) -> Iterator[Callable[..., None]]:
        done = 0

        def advance(steps: int = 1) -> None:
            nonlocal done
            done += steps
            self._event("progress", done=done, total=total)

        yield advance

    def _event(self, kind: str, **values: object) -> None:
        import json

        line = {"schema": SCHEMA, "event": kind, **values}
        click.echo(json.dumps(line, ensure_ascii=False), err=True)


@contextmanager
def _output_explained() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise HasnetError(f"Standard output cannot be written: {error.strerror}.") from error


@contextmanager
def _nothing(_total: int) -> Iterator[Callable[..., None]]:
    yield lambda _steps=1: None


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json, which the command gets as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def progress_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --progress, which the terminal keeps."""

    def keep(ctx: click.Context, _parameter: click.Parameter, value: str) -> None:
        ctx.ensure_object(Terminal).progress_mode = value

    return click.option(
        "--progress", type=click.Choice(PROGRESS), default="auto", envvar="HASNET_PROGRESS",
        show_envvar=True, expose_value=False, callback=keep, is_eager=True,
        help="How progress is shown.",
    )(function)  # fmt: skip


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
