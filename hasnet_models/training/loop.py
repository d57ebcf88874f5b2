"""The training loop that both stages share: budget, log, checkpoints, previews, interruption."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from hasnet_models import image_io
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.training import checkpoint


class Stage(Protocol):
    """What the loop needs of a training stage."""

    name: str
    step_number: int
    images: int

    def step(self) -> dict[str, float]:
        """Train on one batch; advances ``step_number`` and ``images``; returns the losses."""

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, loadable with ``weights_only=True``."""

    def load(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` gave."""

    def configuration(self) -> dict[str, Any]:
        """The configuration as plain data; a resumed run must have the same."""

    def preview(self) -> np.ndarray:
        """A contact sheet, uint8 (H, W, 3)."""


@dataclass
class Budget:
    """How long to train and how often to save, all in minutes; ``images`` counts from zero."""

    minutes: float = math.inf
    images: int | None = None
    save_every: float = 5.0
    preview_every: float = 10.0
    log_every: float = 0.5


@dataclass
class Meter:
    """Mean losses and speed since the last line."""

    sums: dict[str, list[float]] = field(default_factory=dict)
    images: int = 0
    started: float = field(default_factory=time.monotonic)

    def add(self, losses: dict[str, float], images: int) -> None:
        """Count one step."""
        self.images += images
        for name, value in losses.items():
            self.sums.setdefault(name, []).append(value)

    def take(self) -> dict[str, float]:
        """Means and images/s since the last call; starts anew."""
        seconds = max(time.monotonic() - self.started, 1e-9)
        row = {n: round(sum(v) / len(v), 5) for n, v in self.sums.items()}
        row["images_s"] = round(self.images / seconds, 2)
        self.sums, self.images, self.started = {}, 0, time.monotonic()
        return row


def train(stage: Stage, run: Path, budget: Budget, say: Callable[[str], None] = print) -> bool:
    """Train until the budget is spent or SIGINT or SIGTERM asks to stop.

    The step under way is finished and saved in every case.

    Returns:
        True when it was interrupted.

    Raises:
        HasnetError: a loss is not finite (the last good checkpoint stays), or saving failed.
    """
    stop = Interrupt()
    run.mkdir(parents=True, exist_ok=True)
    start, meter = time.monotonic(), Meter()
    due = {"save": budget.save_every, "preview": 0.5, "log": 0.0}
    with stop:
        while not stop.asked and not _spent(stage, budget, start):
            before = stage.images
            losses = stage.step()
            _require_finite(losses, stage)
            meter.add(losses, stage.images - before)
            minutes = (time.monotonic() - start) / 60
            if minutes >= due["log"]:
                _log(stage, meter, run, say)
                due["log"] = minutes + budget.log_every
            if minutes >= due["save"]:
                save(stage, run)
                due["save"] = minutes + budget.save_every
            if minutes >= due["preview"]:
                preview(stage, run)
                due["preview"] = minutes + budget.preview_every
    save(stage, run)
    preview(stage, run)
    return stop.asked


def save(stage: Stage, run: Path) -> Path:
    """Write a checkpoint of a stage."""
    meta = {"stage": stage.name, "images": stage.images, "config": stage.configuration()}
    return checkpoint.save(run, stage.step_number, stage.state(), meta)


def resume(stage: Stage, path: Path, device: torch.device) -> None:
    """Continue a stage from a checkpoint.

    Raises:
        UsageError: the checkpoint is of another stage or configuration; the difference is named.
    """
    state, meta = checkpoint.load(path, device)
    if meta["stage"] != stage.name:
        raise UsageError(f"{path} is a checkpoint of stage {meta['stage']}, not {stage.name}.")
    now, then = stage.configuration(), meta["config"]
    changed = [
        f"{table}.{key} was {then.get(table, {}).get(key)!r}, is {value!r}"
        for table, keys in now.items()
        for key, value in keys.items()
        if then.get(table, {}).get(key) != value
    ]
    if changed:
        raise UsageError(f"The configuration of {path} differs: {'; '.join(changed)}.")
    stage.load(state)


def preview(stage: Stage, run: Path) -> None:
    """Write the stage's contact sheet into the run's folder."""
    image_io.write(stage.preview(), run / f"preview-{stage.images:08d}.png")


class Interrupt:
    """Context in which the first SIGINT or SIGTERM sets ``asked`` instead of ending the process."""

    def __init__(self) -> None:
        self.asked = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True
        signal.signal(number, self._old[number])


def _spent(stage: Stage, budget: Budget, start: float) -> bool:
    if budget.images is not None and stage.images >= budget.images:
        return True
    return time.monotonic() - start >= budget.minutes * 60


def _require_finite(losses: dict[str, float], stage: Stage) -> None:
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise HasnetError(
            f"The loss {', '.join(bad)} is not a number after {stage.images} images; training "
            "stopped and the last checkpoint is kept.",
            "Resume it with a lower learning rate.",
        )


def _log(stage: Stage, meter: Meter, run: Path, say: Callable[[str], None]) -> None:
    row = {"step": stage.step_number, "images": stage.images, **meter.take()}
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    say("  ".join(f"{k} {v:g}" for k, v in row.items()))
