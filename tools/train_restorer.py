"""Train hasnet_models/weights/restorer.onnx: what weak faces lack, at 128 px.

    python tools/train_restorer.py FACES --out FOLDER [--minutes 25] [--threads 1]

FACES is a folder with an index (docs/data.md); the photos of its training split are taken. Each
step makes some of them weak by chance (degrading.py) and asks for the originals: by their pixels,
by the features of VGG16 in a window, and by z_id. FOLDER gets a checkpoint, from which a stopped
run goes on. The mean of the weights over the last steps is written.
"""

from __future__ import annotations

import argparse
import functools
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from degrading import any_weakness, weakened
from restorer_net import CELL, SIDE, RestorerNet, export
from small_training import SmallTrainer
from torch import Tensor

from hasnet_models import image_io
from hasnet_models.data.index import INDEX, read_table
from hasnet_models.networks.identity import embed
from hasnet_models.weights.files import weights_folder
from hasnet_models.weights.load import load_identity, load_vgg

WEIGHTS = "restorer.onnx"
_LAYERS = ("relu1_2", "relu2_2")
_WINDOW = 64
_SAVE_EVERY = 50


@dataclass(frozen=True)
class TrainingConfig:
    """Of a run.

    Attributes:
        minutes: of the wall clock; the learning rate falls along a cosine over them.
        featured, identified: how many of a batch the features and z_id are asked of.
    """

    minutes: float = 25.0
    batch: int = 16
    featured: int = 4
    identified: int = 2
    learning_rate: float = 7e-4
    feature_weight: float = 0.02
    identity_weight: float = 0.05
    ema: float = 0.98
    seed: int = 0


def read_faces(folder: Path, split: str, domain: str = "photo") -> np.ndarray:
    """The faces of a split, uint8 (N, 256, 256, 3)."""
    rows = [
        row for row in read_table(folder / INDEX)[1]
        if row["domain"] == domain and row["split"] == split
    ]  # fmt: skip
    pictures = [image_io.read(folder / row["file"]).rgb for row in rows]
    return np.stack([one for one in pictures if one.shape == (256, 256, 3)])


def pair_of(face: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A weak face and what it was, uint8 (128, 128, 3), moved a little and perhaps mirrored."""
    angle, k = rng.normal(0, 2), np.exp(rng.normal(0, 0.03))
    matrix = cv2.getRotationMatrix2D((127.5, 127.5), angle, k)
    matrix[:, 2] += rng.normal(0, 3, 2)
    face = cv2.warpAffine(face, matrix, (256, 256), borderMode=cv2.BORDER_REFLECT_101)
    face = face[:, ::-1] if rng.random() < 0.5 else face
    weak = weakened(face, any_weakness(rng), int(rng.integers(2**31)))
    return at_side(weak), at_side(face)


def at_side(face: np.ndarray) -> np.ndarray:
    """A face as the restorer is shown it."""
    kind = cv2.INTER_CUBIC if len(face) < SIDE else cv2.INTER_AREA
    return cv2.resize(face, (SIDE, SIDE), interpolation=kind)


def batch_of(faces: np.ndarray, step: int, c: TrainingConfig) -> tuple[Tensor, Tensor]:
    """Weak faces and the originals (N, 3, 128, 128); they depend on seed and step only."""
    rng = np.random.default_rng([c.seed, step % 2**32])
    pairs = [pair_of(faces[i], rng) for i in rng.choice(len(faces), c.batch)]
    weak, whole = (np.stack(side).transpose(0, 3, 1, 2) for side in zip(*pairs, strict=True))
    return _planes(weak), _planes(whole)


def _planes(pixels: np.ndarray) -> Tensor:
    planes = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1)
    return planes.contiguous(memory_format=torch.channels_last)


class Loss:
    """Pixels, features in a window, z_id."""

    def __init__(self, config: TrainingConfig) -> None:
        self.config, self.vgg, self.identity = config, load_vgg(last=_LAYERS[-1]), load_identity()

    def __call__(self, restored: Tensor, whole: Tensor, step: int) -> tuple[Tensor, list[float]]:
        """The loss of a batch, and its parts."""
        c = self.config
        near = F.l1_loss(restored, whole)
        features = self._features(restored[: c.featured], whole[: c.featured], step)
        last = slice(len(whole) - c.identified, None)
        with torch.no_grad():
            wanted = embed(self.identity, whole[last])
        likeness = (embed(self.identity, restored[last]) * wanted).sum(1).mean()
        loss = near + c.feature_weight * features + c.identity_weight * (1 - likeness)
        return loss, [near.item(), features.item(), likeness.item()]

    def _features(self, restored: Tensor, whole: Tensor, step: int) -> Tensor:
        top, left = np.random.default_rng([1, step]).integers(0, SIDE - _WINDOW + 1, 2)
        window = (..., slice(top, top + _WINDOW), slice(left, left + _WINDOW))
        found = self.vgg(restored[window], _LAYERS)
        with torch.no_grad():
            wanted = self.vgg(whole[window], _LAYERS)
        gaps = [F.l1_loss(found[n], wanted[n]) / wanted[n].abs().mean() for n in _LAYERS]
        return torch.stack(gaps).sum()


class Trainer(SmallTrainer):
    """The restorer's training.

    Args:
        config: of the run.
        folder: for the checkpoint.
    """

    def __init__(self, config: TrainingConfig, folder: Path) -> None:
        optimizer = functools.partial(torch.optim.Adam, betas=(0.9, 0.98))
        super().__init__(RestorerNet, optimizer, folder, config.seed)
        self.config = config

    @property
    def done(self) -> float:
        """The share of the run that is over."""
        return min(self.spent / (60 * self.config.minutes), 1.0)

    def advance(self, weak: Tensor, whole: Tensor, loss_of: Loss) -> list[float]:
        """One step; gives the parts of its loss."""
        warm = min(1.0, (self.step + 1) / 20)
        rate = self.config.learning_rate * warm * (1 + np.cos(np.pi * self.done)) / 2
        loss, parts = loss_of(self.net(weak), whole, self.step)
        self.descend(loss, rate, 0.5, self.config.ema)
        return parts


def fit_filter(net: RestorerNet, faces: np.ndarray, c: TrainingConfig, batches: int = 20) -> None:
    """Set the network's filter to the one of least squares (ridge) over some batches."""
    (depth, *_), size = net.filter.weight.shape, net.filter.weight[0].numel() + 1
    gram, right = torch.zeros(size, size), torch.zeros(size, depth)
    for k in range(batches):
        weak, whole = (F.pixel_unshuffle(x, CELL) for x in batch_of(faces, -1 - k, c))
        seen = F.unfold(weak, 3, padding=1).transpose(1, 2).reshape(-1, size - 1)
        seen = torch.cat([seen, torch.ones(len(seen), 1)], 1)
        lacking = (whole - weak).flatten(2).transpose(1, 2).reshape(-1, depth)
        gram += seen.T @ seen
        right += seen.T @ lacking
    gram += 1e-4 * gram.trace() / size * torch.eye(size)
    weights = torch.linalg.solve(gram, right).T
    with torch.no_grad():
        net.filter.weight.copy_(weights[:, :-1].reshape(net.filter.weight.shape))
        net.filter.bias.copy_(weights[:, -1])


def train(trainer: Trainer, faces: np.ndarray) -> None:
    """Go on until the minutes are over."""
    if trainer.step == 0:
        fit_filter(trainer.net, faces, trainer.config)
        trainer.mean.load_state_dict(trainer.net.state_dict())
    loss_of, parts = Loss(trainer.config), []
    while trainer.done < 1:
        started = time.monotonic()
        batch = batch_of(faces, trainer.step, trainer.config)
        parts.append(trainer.advance(*batch, loss_of))
        trainer.spent += time.monotonic() - started
        if trainer.step % _SAVE_EVERY == 0 or trainer.done == 1:
            near, features, likeness = np.mean(parts, axis=0)
            print(
                f"{trainer.step} pixels {near:.4f} features {features:.4f} "
                f"z_id {likeness:.4f} {trainer.spent:.0f} s", flush=True,
            )  # fmt: skip
            parts.clear()
            trainer.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--weights", type=Path, default=weights_folder() / WEIGHTS)
    parser.add_argument("--minutes", type=float, default=TrainingConfig.minutes)
    parser.add_argument("--seed", type=int, default=TrainingConfig.seed)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(TrainingConfig(minutes=options.minutes, seed=options.seed), options.out)
    faces = read_faces(options.faces, "train")
    print(f"{len(faces)} photos", flush=True)
    train(trainer, faces)
    export(trainer.mean, options.weights)
    print(options.weights)


if __name__ == "__main__":
    main()
