"""The training loop that both stages share: budget, log, checkpoints, previews, interruption.

Every process of a run goes through it; only the first one writes and prints.
"""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from hasnet_models import image_io
from hasnet_models.config.load import defaults
from hasnet_models.data.faces import FaceSet
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.training import checkpoint, distributed
from hasnet_models.training.metrics import METRICS, Meter

Say = Callable[[str], None]


class Stage(Protocol):
    """What the loop needs of a training stage."""

    name: str
    step_number: int
    images: int
    faces: FaceSet

    def step(self) -> dict[str, float]:
        """Train on one batch; advances ``step_number`` and ``images``; returns the losses."""

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, loadable with ``weights_only=True``."""

    def load(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` gave."""

    def configuration(self) -> dict[str, Any]:
        """The configuration as plain data; a resumed run must have the same."""

    def score(self) -> float | None:
        """How good the averaged net is on fixed faces, lower is better; None for not yet."""

    def preview(self) -> np.ndarray:
        """A contact sheet, uint8 (H, W, 3)."""


@dataclass
class Budget:
    """How long to train and how often to save, in minutes; ``images`` counts from zero.

    An infinite ``preview_every`` makes no preview at all.

    ``keep``: checkpoints kept, the last ones; the best is kept beside them.
    """

    minutes: float = math.inf
    images: int | None = None
    save_every: float = 5.0
    preview_every: float = 10.0
    log_every: float = 0.5
    keep: int = 2

    def share(self, images: int, minutes: float) -> float | None:
        """How much of the budget is spent, 0 to 1; None where there is no end."""
        shares = [] if math.isinf(self.minutes) else [minutes / max(self.minutes, 1e-9)]
        if self.images is not None:
            shares.append(images / max(self.images, 1))
        return min(max(shares), 1.0) if shares else None


@dataclass(frozen=True)
class TrainingStatus:
    """Where a run stands after a step; ``share`` is that of the budget, None without an end."""

    images: int
    share: float | None
    images_s: float
    losses: dict[str, float]


class TrainingWatcher:
    """What wants to know how a run goes; does nothing itself."""

    def step(self, status: TrainingStatus) -> None:
        """After every step."""

    def row(self, row: dict[str, float]) -> None:
        """Each line of metrics.jsonl."""


def train(
    stage: Stage,
    run: Path,
    budget: Budget,
    say: Say = print,
    watchers: Sequence[TrainingWatcher] = (),
) -> bool:
    """Train until the budget is spent or SIGINT or SIGTERM asks to stop.

    The step under way is finished and saved in every case.

    Returns:
        True when it was interrupted.

    Raises:
        HasnetError: a loss is not finite (the last good checkpoint stays), or saving failed.
    """
    recorder = RunRecorder(stage, run, budget, say, watchers)
    stop = Interrupt()
    with stop:
        # all processes stop after the same step, whichever was asked first
        while not distributed.anywhere(stop.asked or recorder.spent()):
            before = stage.images
            losses = stage.step()
            _require_finite(losses, stage)
            recorder.after_step(losses, stage.images - before)
        interrupted = distributed.anywhere(stop.asked)
    recorder.close()
    return interrupted


class RunRecorder:
    """Writes what a run leaves behind: log, checkpoints, previews. Silent but in the first process.

    Raises:
        HasnetError: the run's folder cannot be made.
    """

    def __init__(
        self, stage: Stage, run: Path, budget: Budget, say: Say, watchers: Sequence[TrainingWatcher]
    ) -> None:
        self.stage, self.run, self.budget, self.say = stage, run, budget, say
        self.watchers = watchers
        self.first = distributed.rank() == 0
        self.start, self.meter = time.monotonic(), Meter()
        self.previews = math.isfinite(budget.preview_every)
        self.due = {"log": 0.0, "save": budget.save_every, "preview": 0.5}
        if self.first:
            _make_folder(run)

    @property
    def minutes(self) -> float:
        """Since the start of this run."""
        return (time.monotonic() - self.start) / 60

    def spent(self) -> bool:
        """Whether the budget is."""
        share = self.budget.share(self.stage.images, self.minutes)
        return share is not None and share >= 1

    def after_step(self, losses: dict[str, float], images: int) -> None:
        """Count a step; log, save and preview where it is time."""
        if not self.first:
            return
        self.meter.add(losses, images)
        share = self.budget.share(self.stage.images, self.minutes)
        status = TrainingStatus(self.stage.images, share, self.meter.speed(), dict(self.meter.last))
        for watcher in self.watchers:
            watcher.step(status)
        if self._is_due("log", self.budget.log_every):
            self._log()
        if self._is_due("save", self.budget.save_every):
            save(self.stage, self.run, self.budget.keep)
        if self.previews and self._is_due("preview", self.budget.preview_every):
            self._preview()

    def close(self) -> None:
        """The last checkpoint and the last preview."""
        if self.first:
            if self.meter.images:
                self._log()
            save(self.stage, self.run, self.budget.keep)
            if self.previews:
                self._preview()

    def _is_due(self, what: str, every: float) -> bool:
        if self.minutes < self.due[what]:
            return False
        self.due[what] = self.minutes + every
        return True

    def _log(self) -> None:
        row = {"step": self.stage.step_number, "images": self.stage.images, **self.meter.take()}
        try:
            with (self.run / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            # a full disk must not cost the training; saving will say it again and stop
            self.say(f"The log {self.run / METRICS} cannot be written: {error.strerror}.")
        for watcher in self.watchers:
            watcher.row(row)

    def _preview(self) -> None:
        try:
            preview(self.stage, self.run)
        except HasnetError as error:
            self.say(f"No preview: {error}")


def save(stage: Stage, run: Path, keep: int = 2) -> Path:
    """Write a checkpoint of a stage; see :func:`hasnet_models.training.checkpoint.save`."""
    meta = {
        "stage": stage.name,
        "images": stage.images,
        "config": stage.configuration(),
        "data": stage.faces.fingerprint,
        "processes": distributed.world(),
        "threads": torch.get_num_threads(),
    }
    score = stage.score()
    best = score if score is not None and math.isfinite(score) else None
    return checkpoint.save(run, stage.step_number, stage.state(), meta, keep, best)


def resume(stage: Stage, path: Path, device: torch.device, say: Say = print) -> None:
    """Continue a stage from a checkpoint.

    Args:
        say: told where the faces or the threads are not those of then.

    Raises:
        UsageError: the checkpoint is of another stage or configuration; the difference is named.
    """
    state, meta = checkpoint.load(path, device)
    if meta["stage"] != stage.name:
        raise UsageError(f"{path} is a checkpoint of stage {meta['stage']}, not {stage.name}.")
    if changed := differences(stage.configuration(), meta["config"]):
        raise UsageError(f"The configuration of {path} differs: {'; '.join(changed)}.")
    if note := checkpoint.data_changed(meta, stage.faces.fingerprint):
        say(note)
    if note := checkpoint.threads_changed(meta, torch.get_num_threads()):
        say(note)
    stage.load(state)


def differences(now: dict[str, Any], then: dict[str, Any]) -> list[str]:
    """Which keys changed; one that did not exist then had its default."""
    found = []
    for table, keys in now.items():
        old = {**defaults(table), **then.get(table, {})}
        found += [
            f"{table}.{key} was {old.get(key)!r}, is {value!r}"
            for key, value in keys.items()
            if old.get(key) != value
        ]
    return found


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


def _make_folder(run: Path) -> None:
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HasnetError(f"The run's folder {run} cannot be made: {error.strerror}.") from error


def _require_finite(losses: dict[str, float], stage: Stage) -> None:
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise HasnetError(
            f"The loss {', '.join(bad)} is not a number after {stage.images} images; training "
            "stopped and the last checkpoint is kept.",
            "Resume it with a lower learning rate.",
        )
