"""Train hasnet_models/weights/drawn_landmarks.onnx: eyes, nose, mouth and chin of drawn faces.

    python tools/train_drawn_landmarks.py FACES PARTS.json --out runs/drawn

FACES is a folder of faces with an index.tsv (docs/data.md) that holds the domain `anime`;
PARTS.json gives for each of its files the boxes of eyes and mouth and the points of nose and chin
(`drawn_landmark_views.read_parts`). The network sees windows of 96 px under strong changes, two
fifths of them without a drawn face. A checkpoint is written every few hundred steps, and a run goes
on from the one it finds; the order of the pictures and their changes follow from --seed alone.
tools/measure_drawn_landmarks.py measures the result.
"""

from __future__ import annotations

import argparse
import functools
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from drawn_landmark_net import DrawnLandmarkNet, export
from drawn_landmark_views import (
    Example,
    View,
    empty_view,
    face_view,
    read_examples,
    read_others,
    read_parts,
)
from small_training import SmallTrainer
from torch import Tensor

from hasnet_models.face.drawn import CELL, GRID, SIZED, TYPICAL, WEIGHTS, WINDOW, middle
from hasnet_models.frame import fit_similarity, scale_of
from hasnet_models.weights.files import weights_folder

CELLS, PLACES = WINDOW // CELL, WINDOW // GRID
_CHECKPOINT_EVERY = 250
_REPORT_EVERY = 50


@dataclass(frozen=True)
class TrainingConfig:
    """Of one run.

    Attributes:
        steps: of `batch` windows each.
        empty_share: of a batch that shows no drawn face.
        others_each: pictures of each domain that is not drawn.
        spread: standard deviation of a point's target on the maps, in places.
        point_weight, size_weight, scale_weight, cell_weight: of the losses, beside the 1 of the
            maps' cross entropy.
    """

    steps: int = 5000
    batch: int = 48
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    ema: float = 0.998
    empty_share: float = 0.4
    others_each: int = 150
    spread: float = 0.8
    point_weight: float = 20.0
    size_weight: float = 1.0
    scale_weight: float = 1.0
    cell_weight: float = 4.0
    seed: int = 0


# ----------------------------------------------------------------------------------------- losses


@dataclass(frozen=True)
class Targets:
    """Of a batch; points (N, 5, 2) and sizes (N, 3, 2) in fractions; centre (N, 2); scale (N,).

    `face` (N,) is 1 where there is a face; elsewhere the other values mean nothing.
    """

    points: Tensor
    sizes: Tensor
    centre: Tensor
    scale: Tensor
    face: Tensor


def targets_of(views: list[View]) -> Targets:
    """Targets of the views of a batch."""
    faces = [view.points is not None for view in views]
    points = np.stack([TYPICAL if v.points is None else v.points for v in views])
    sizes = np.stack([np.full((3, 2), 0.1) if v.sizes is None else v.sizes for v in views])
    scales = np.array([scale_of(fit_similarity(TYPICAL, p)) for p in points])
    values = (points, sizes, middle(points), scales, np.array(faces))
    return Targets(*(torch.from_numpy(v.astype(np.float32)) for v in values))


def soft_argmax(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Points (N, 5, 2) and logarithms of sizes (N, 3, 2), as face/drawn.py computes them."""
    n, _, rows, columns = maps.shape
    flat = maps.flatten(2)
    shares = flat[:, :5].softmax(2)
    y = (torch.arange(rows) + 0.5).repeat_interleave(columns) / rows
    x = (torch.arange(columns) + 0.5).repeat(rows) / columns
    logs = flat[:, 5:].view(n, 3, 2, -1)
    return shares @ torch.stack([x, y], 1), torch.einsum("npk,npsk->nps", shares[:, SIZED], logs)


def map_loss(maps: Tensor, points: Tensor, spread: float) -> Tensor:
    """Cross entropy (N,) of the maps with a Gaussian around each point."""
    places = torch.arange(PLACES) + 0.5
    x, y = (-((places - points[..., i, None] * PLACES) ** 2) / (2 * spread**2) for i in (0, 1))
    wanted = (y[..., :, None] + x[..., None, :]).flatten(2).softmax(2)
    return -(wanted * maps[:, :5].flatten(2).log_softmax(2)).sum(2).mean(1)


def cell_loss(logits: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
    """Focal loss (N,) of the places' logits (N, R, C) (CornerNet's), and the weights of a face.

    Args:
        logits: of a face's middle at each place.
        targets: of the batch.

    Returns:
        The loss; weights (N, R, C) of the places at which the scale counts, summing to `face`.
    """
    places = torch.arange(CELLS) + 0.5
    x, y = (-((places - targets.centre[:, i, None] * CELLS) ** 2) for i in (0, 1))
    near = (y[:, :, None] + x[:, None, :]) / (2 * (0.9 * targets.scale[:, None, None]) ** 2)
    wanted = near.exp() * targets.face[:, None, None]
    peak = (wanted == wanted.amax((1, 2), keepdim=True)) & (wanted > 0)
    p = logits.sigmoid()
    hit = -((1 - p) ** 2) * F.logsigmoid(logits)
    miss = -(p**2) * F.logsigmoid(-logits) * (1 - wanted) ** 4
    weights = wanted / wanted.sum((1, 2), keepdim=True).clamp(min=1e-6)
    return torch.where(peak, hit, miss).sum((1, 2)), weights


def loss_of(outputs: tuple[Tensor, Tensor], targets: Targets, c: TrainingConfig) -> Tensor:
    """The whole loss of a batch."""
    cells, maps = outputs
    points, logs = soft_argmax(maps)
    of_cells, weights = cell_loss(cells[:, 0], targets)
    off = F.smooth_l1_loss(points, targets.points, beta=0.02, reduction="none").sum((1, 2))
    sizes = (logs - targets.sizes.log()).abs().mean((1, 2))
    scale = ((cells[:, 1] - targets.scale.log()[:, None, None]).abs() * weights).sum((1, 2))
    face = map_loss(maps, targets.points, c.spread) + c.point_weight * off
    face = face + c.size_weight * sizes + c.scale_weight * scale
    return (face * targets.face).sum() / targets.face.sum() + c.cell_weight * of_cells.mean()


# ------------------------------------------------------------------------------------------- loop


def batch_of(
    examples: list[Example], others: list[np.ndarray], step: int, c: TrainingConfig
) -> tuple[Tensor, Targets]:
    """Images (N, 3, 96, 96) and targets of a step; they depend on the seed and the step only."""
    rng = np.random.default_rng([c.seed, step])
    empty = round(c.batch * c.empty_share)
    chosen = rng.choice(len(examples), c.batch - empty)
    views = [face_view(examples[i], others, rng) for i in chosen]
    views += [empty_view(examples, others, rng) for _ in range(empty)]
    pixels = np.stack([view.rgb for view in views]).transpose(0, 3, 1, 2)
    images = torch.from_numpy(pixels.astype(np.float32) / 255)
    return images.contiguous(memory_format=torch.channels_last), targets_of(views)


class Trainer(SmallTrainer):
    """The training of the landmarks of drawn faces.

    Args:
        config: of the run.
        folder: for the checkpoint.
    """

    def __init__(self, config: TrainingConfig, folder: Path) -> None:
        optimizer = functools.partial(
            torch.optim.AdamW, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        super().__init__(DrawnLandmarkNet, optimizer, folder, config.seed)
        self.config = config

    def advance(self, images: Tensor, targets: Targets) -> float:
        """One step; gives its loss."""
        rate = self.config.learning_rate * self._warmth()
        loss = loss_of(self.net.train()(images), targets, self.config)
        self.descend(loss, rate, 5.0, self.config.ema)
        return loss.item()

    def _warmth(self) -> float:
        """Share of the learning rate: up over 100 steps, down along a cosine."""
        done = self.step / self.config.steps
        return min(1.0, (self.step + 1) / 100) * (0.5 + 0.5 * float(np.cos(np.pi * done)))


def train(trainer: Trainer, examples: list[Example], others: list[np.ndarray]) -> None:
    """Go on to the last step."""
    started, losses = time.monotonic(), []
    while trainer.step < trainer.config.steps:
        losses.append(trainer.advance(*batch_of(examples, others, trainer.step, trainer.config)))
        if trainer.step % _REPORT_EVERY == 0:
            spent = time.monotonic() - started
            print(f"{trainer.step} loss {np.mean(losses):.4f} {spent:.0f} s", flush=True)
            losses.clear()
        if trainer.step % _CHECKPOINT_EVERY == 0:
            trainer.save()
    trainer.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("parts", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--weights", type=Path, default=weights_folder() / WEIGHTS)
    parser.add_argument("--steps", type=int, default=TrainingConfig.steps)
    parser.add_argument("--seed", type=int, default=TrainingConfig.seed)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    config = TrainingConfig(steps=options.steps, seed=options.seed)
    examples = read_examples(options.faces, read_parts(options.parts), "train")
    others = read_others(options.faces, "train", config.others_each)
    print(f"{len(examples)} drawn faces, {len(others)} other pictures", flush=True)
    trainer = Trainer(config, options.out)
    train(trainer, examples, others)
    export(trainer.mean, options.weights)
    print(options.weights)


if __name__ == "__main__":
    main()
