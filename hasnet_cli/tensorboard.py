"""Losses for TensorBoard, where it is installed (``hasnet[tensorboard]``)."""

from __future__ import annotations

from pathlib import Path

from hasnet_models.errors import UsageError
from hasnet_models.training.loop import TrainingWatcher


class Board(TrainingWatcher):
    """Writes each line of metrics.jsonl as scalars into the run's folder.

    Raises:
        UsageError: TensorBoard is not installed.
    """

    def __init__(self, run: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError(
                "TensorBoard is not installed.",
                'Install it with: pip install "hasnet[tensorboard]"',
            ) from error
        self.writer = SummaryWriter(str(run))

    def row(self, row: dict[str, float]) -> None:
        """One scalar a quantity, over the images seen."""
        for name, value in row.items():
            if name not in ("images", "step"):
                self.writer.add_scalar(name, value, row["images"])
        self.writer.flush()
