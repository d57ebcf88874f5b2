"""metrics.jsonl, the log of a run: mean losses and speed, one JSON object a line."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hasnet_models.errors import UsageError

METRICS = "metrics.jsonl"
Curve = list[tuple[float, float]]


@dataclass
class Meter:
    """Mean losses and speed since the last line, and the speed of the last steps."""

    sums: dict[str, list[float]] = field(default_factory=dict)
    images: int = 0
    started: float = field(default_factory=time.monotonic)
    recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=32))
    last: dict[str, float] = field(default_factory=dict)

    def add(self, losses: dict[str, float], images: int) -> None:
        """Count one step."""
        self.images += images
        self.recent.append((time.monotonic(), images))
        self.last |= losses
        for name, value in losses.items():
            self.sums.setdefault(name, []).append(value)

    def speed(self) -> float:
        """Images a second over the last steps."""
        seconds = self.recent[-1][0] - self.recent[0][0]
        return sum(n for _, n in list(self.recent)[1:]) / seconds if seconds > 0 else 0.0

    def take(self) -> dict[str, float]:
        """Means and images/s since the last call; starts anew."""
        seconds = max(time.monotonic() - self.started, 1e-9)
        row = {n: round(sum(v) / len(v), 5) for n, v in self.sums.items()}
        row["images_s"] = round(self.images / seconds, 2)
        self.sums, self.images, self.started = {}, 0, time.monotonic()
        return row


def read_metrics(path: Path) -> dict[str, Curve]:
    """(images, value) pairs of each quantity, of a run's folder or of its metrics.jsonl.

    Lines that are not whole (the process was killed) are passed over; where a resumed run went
    over the same images again, the later line counts.

    Raises:
        UsageError: there is no such file, or nothing to draw in it.
    """
    file = path / METRICS if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"There is no {METRICS} at {path}.")
    curves: dict[str, Curve] = {}
    for row in _rows(file.read_text(encoding="utf-8", errors="replace").splitlines()):
        for name, value in row.items():
            if name not in ("images", "step") and _finite(value):
                curves.setdefault(name, []).append((float(row["images"]), float(value)))
    if not curves:
        raise UsageError(f"{file} holds no losses yet.")
    return curves


def _rows(lines: Sequence[str]) -> list[dict]:
    rows: list[dict] = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and _finite(row.get("images")):
            while rows and rows[-1]["images"] >= row["images"]:
                rows.pop()
            rows.append(row)
    return rows


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
