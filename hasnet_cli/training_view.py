"""How a training run looks on the terminal: a live bar, or plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hasnet_cli.console import Terminal
from hasnet_models.training.cost import Cost
from hasnet_models.training.loop import TrainingStatus, TrainingWatcher

PARTS = 1000


class Lines(TrainingWatcher):
    """One line of text for each line of metrics.jsonl."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def row(self, row: dict[str, float]) -> None:
        """Losses and images/s since the line before."""
        self.terminal.note(numbers(row))


class Bar(TrainingWatcher):
    """A bar with the share of the budget, images/s, the time left and the newest losses."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress, self.task = progress, task

    def step(self, status: TrainingStatus) -> None:
        """After every step."""
        done = None if status.share is None else status.share * PARTS
        self.progress.update(
            self.task,
            completed=done,
            images=f"{status.images} images",
            speed=f"{status.images_s:.1f}/s",
            losses=numbers(status.losses, digits=3),
        )


@contextmanager
def watching(terminal: Terminal, title: str, *, endless: bool) -> Iterator[TrainingWatcher]:
    """What shows a run: a bar on a terminal, lines otherwise, nothing with -q."""
    if terminal.display() != "rich":
        yield Lines(terminal)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.fields[images]}  {task.fields[speed]}"),
        TimeElapsedColumn() if endless else TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    with Progress(*columns, console=terminal.rich(stderr=True)) as bar, terminal.above(bar.console):
        total = None if endless else PARTS
        yield Bar(bar, bar.add_task(title, total=total, images="", speed="", losses=""))


def numbers(row: Mapping[str, float], digits: int = 6) -> str:
    """Names and values in one line."""
    return "  ".join(f"{name} {value:.{digits}g}" for name, value in row.items())


def cost_lines(cost: Cost) -> list[str]:
    """A cost as text."""
    lines = [f"{count / 1e6:.2f} M parameters: {name}" for name, count in cost.parameters.items()]
    for step in cost.steps:
        lines.append(
            f"{step.size} px: {step.flops / 1e9:.1f} GFLOP a step of {cost.batch} images "
            f"({step.flops / 1e9 / cost.batch:.2f} an image), "
            f"{step.activations / 2**20:.0f} MiB of activations"
        )
    lines += [f"{size / 2**20:.0f} MiB: {what}" for what, size in cost.held.items()]
    return [*lines, f"{cost.memory / 2**30:.1f} GiB of memory in all (estimated)"]
