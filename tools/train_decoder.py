"""Train hasnet_models/weights/vgg_decoder.safetensors: the decoder of the feature-space peers.

    python tools/train_decoder.py FACES --out runs/decoder --minutes 15

FACES is a folder of faces with an index.tsv (docs/data.md), of which the split "train" is taken.
The decoder (`hasnet_models.evaluation.systems.decoder`) learns to give back crops of pictures from
their VGG features: L1 of pixels and of relu2_1. Crops and their features stay in a pool for several
steps, because making them costs most. A checkpoint is written every minute and gone on from.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from torch import Tensor, nn

from hasnet_models.atomic import replacing
from hasnet_models.data.index import read_index
from hasnet_models.data.pictures import read_face
from hasnet_models.evaluation.systems.decoder import LAYER, Decoder
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.weights.load import load_vgg, save_state

FILE = "vgg_decoder.safetensors"
LICENCE = "non-commercial research use (derived from the training pictures)"
_FEATURE_LAYER = "relu2_1"
_FEATURE_WEIGHT = 0.002  # of features of about 100 beside pixels of about 1
_CHECKPOINT_EVERY = 60.0


@dataclass
class CropPool:
    """Random crops with their features; the oldest is replaced by a new one each time."""

    files: list[Path]
    vgg: nn.Module
    side: int
    crop: int
    capacity: int
    rng: np.random.Generator
    entries: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    made: int = 0

    def renew(self) -> None:
        """One more crop; domains come up equally often."""
        folders = sorted({path.parent for path in self.files})
        folder = folders[self.rng.integers(len(folders))]
        own = [path for path in self.files if path.parent == folder]
        rgb = read_face(own[self.rng.integers(len(own))], self.side)
        top, left = self.rng.integers(0, self.side - self.crop + 1, 2)
        rgb = rgb[top : top + self.crop, left : left + self.crop]
        x = to_tensor(np.ascontiguousarray(rgb[:, ::-1] if self.rng.random() < 0.5 else rgb)[None])
        with torch.no_grad():
            entry = (x, self.vgg(x, [LAYER])[LAYER])
        if len(self.entries) < self.capacity:
            self.entries.append(entry)
        else:
            self.entries[self.made % self.capacity] = entry
        self.made += 1

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Some of the pool: pictures and features."""
        chosen = [self.entries[i] for i in self.rng.integers(len(self.entries), size=count)]
        x, features = zip(*chosen, strict=True)
        return torch.cat(x), torch.cat(features)


def loss_of(decoder: Decoder, vgg: nn.Module, x: Tensor, features: Tensor) -> Tensor:
    """L1 of pixels, and of early features, which keeps edges."""
    found = decoder(features)
    aim = vgg(x, [_FEATURE_LAYER])[_FEATURE_LAYER]
    near = vgg(found.clamp(-1.2, 1.2), [_FEATURE_LAYER])[_FEATURE_LAYER]
    return F.l1_loss(found, x) + _FEATURE_WEIGHT * F.l1_loss(near, aim)


def train(options: argparse.Namespace) -> None:
    """Train for the minutes given, then write the weights."""
    torch.manual_seed(options.seed)
    files = [options.faces / record.file for record in read_index(options.faces, "train")]
    vgg, decoder = load_vgg(), Decoder()
    average = Decoder()
    average.load_state_dict(decoder.state_dict())
    checkpoint = options.out / "checkpoint.safetensors"
    if checkpoint.is_file():
        decoder.load_state_dict(load_file(checkpoint))
        average.load_state_dict(decoder.state_dict())
    rng = np.random.default_rng(options.seed)
    pool = CropPool(files, vgg, options.side, options.crop, options.pool, rng)
    while len(pool.entries) < options.batch * 4:
        pool.renew()
    adam = torch.optim.Adam(decoder.parameters(), options.learning_rate)
    start = saved = time.monotonic()
    step = 0
    while (share := (time.monotonic() - start) / (60 * options.minutes)) < 1:
        adam.param_groups[0]["lr"] = options.learning_rate * (1 - share) + 1e-5
        pool.renew()
        loss = loss_of(decoder, vgg, *pool.batch(options.batch))
        adam.zero_grad()
        loss.backward()
        adam.step()
        step += 1
        _follow(average, decoder, min(0.99, step / (step + 10)))
        if step % 25 == 0:
            print(f"step {step}, {share:.0%}, loss {loss.item():.4f}", flush=True)
        if time.monotonic() - saved > _CHECKPOINT_EVERY:
            saved = time.monotonic()
            with replacing(checkpoint) as file:
                file.write(save(average.state_dict()))
    metadata = {"steps": str(step), "batch": str(options.batch), "licence": LICENCE}
    config = json.dumps({"layer": LAYER, "crop": options.crop, "side": options.side})
    save_state(options.out / FILE, average.state_dict(), {**metadata, "config": config})


@torch.no_grad()
def _follow(average: Decoder, decoder: Decoder, memory: float) -> None:
    for mean, now in zip(average.parameters(), decoder.parameters(), strict=True):
        mean.lerp_(now, 1 - memory)


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/decoder"))
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--pool", type=int, default=400)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    train(options)


if __name__ == "__main__":
    main()
