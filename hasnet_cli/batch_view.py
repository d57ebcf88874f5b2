"""What the user is told of a batch: its plan, each photo, how it ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import click

from hasnet_cli.console import Terminal
from hasnet_cli.flags import with_flags
from hasnet_models.batch import DONE, FAILED, NEW, SKIPPED, Engine, Item, Plan, Result, Run
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED


class BatchView:
    """Shows results as they come, and the outcome.

    Args:
        as_json: one object at the end on standard output.
        as_lines: one object a photo there.
        watching: say also what went well.
    """

    def __init__(
        self, terminal: Terminal, *, as_json: bool, as_lines: bool, watching: bool = False
    ) -> None:
        self.terminal = terminal
        self.as_json, self.as_lines, self.watching = as_json, as_lines, watching
        self.advance: Callable[[], None] = lambda: None
        self._start = time.perf_counter()

    def tell(self, result: Result, news: bool) -> None:
        """One photo is done, failed, or was worked on by an earlier run."""
        before = "" if news else " (as before; --retry-failed tries again)"
        if result.error is not None:
            error = with_flags(result.error, ("overwrite",))
            self.terminal.say(f"{result.input}: {error}{before}")
        elif self.watching and news:
            self.terminal.note(f"{result.input}: done.")
        for note in result.notes:
            self.terminal.detail(f"{result.input}: {note}")
        if self.as_lines:
            self.terminal.result(result.line())
        self.advance()

    def outcome(self, run: Run) -> int:
        """The summary, the result on standard output, the exit code."""
        done, before, failed = (run.counts[status] for status in (DONE, SKIPPED, FAILED))
        kept = f", {before} of them by an earlier run" if before else ""
        self.terminal.note(f"{done + before} of {run.total} photos done{kept}.")
        if self.as_json:
            counts = {"photos": run.total, "done": done, "skipped": before, "failed": failed}
            seconds = round(time.perf_counter() - self._start, 3)
            self.terminal.json({"results": str(run.ledger.path), **counts, "seconds": seconds})
        elif not self.as_lines:
            self.terminal.result(click.format_filename(run.ledger.path))
        if not failed:
            return EXIT_OK
        return EXIT_SOME_FAILED if done + before else EXIT_FAILED

    def plan(self, plan: Plan, items: Sequence[Item], engine: Engine) -> int:
        """What a run would do; nothing is done."""
        rows = []
        for item in items:
            row = Result(item.key, engine.state(item), output=str(plan.first_target(item)))
            rows.append(row)
            self._plan_row(row)
        states = Counter(row.status for row in rows)
        if self.as_json:
            self.terminal.json(_plan_document(rows, states))
        said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        self.terminal.note(f"{len(items)} photos: {said}. Nothing was written.")
        return EXIT_OK

    def _plan_row(self, row: Result) -> None:
        if self.as_lines:
            self.terminal.result(row.line())
        elif not self.as_json:
            output = click.format_filename(str(row.output))
            self.terminal.result(f"{row.status}\t{row.input}\t{output}")


def _plan_document(rows: Sequence[Result], states: Counter[str]) -> dict[str, Any]:
    plan = [{"input": row.input, "status": row.status, "output": row.output} for row in rows]
    counts = {state: states[state] for state in (NEW, DONE, FAILED)}
    return {"photos": len(rows), **counts, "plan": plan}
