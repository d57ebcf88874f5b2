"""Train hasnet_models/weights/vgg_decoder.safetensors: the decoder of the feature-space peers.

    python tools/train_decoder.py FACES --out runs/decoder

FACES is a folder of faces with an index.tsv (docs/data.md), of which the split "train" is taken,
equally many pictures of each domain. The decoder (`hasnet_models.evaluation.systems.decoder`) is
linear: ridge regression from the features around random cells to the cells' pixels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hasnet_models.data.index import read_index
from hasnet_models.data.pictures import read_face
from hasnet_models.evaluation.systems.decoder import CHANNELS, LAYER, REACH, SCALE, STRIDE, Decoder
from hasnet_models.evaluation.systems.feature_space import DECODER, SIDE
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.weights.load import load_vgg, save_state

LICENCE = "non-commercial research use (derived from the training pictures)"
_INPUTS = CHANNELS * REACH**2 + 1  # the last is 1, for the bias


def chosen_files(faces: Path, each: int, rng: np.random.Generator) -> list[Path]:
    """`each` training pictures of every domain, fewer where there are not so many."""
    by_domain: dict[str, list[str]] = {}
    for record in read_index(faces, "train"):
        by_domain.setdefault(record.domain, []).append(record.file)
    drawn = (rng.permutation(files)[:each] for _, files in sorted(by_domain.items()))
    return [faces / file for files in drawn for file in files]


@torch.inference_mode()
def samples(
    vgg: nn.Module, files: list[Path], cells: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each picture what the decoder sees at some cells (N, 2305) and their pixels (N, 48)."""
    for path in files:
        x = to_tensor(read_face(path, SIDE)[None])
        features = vgg(x, [LAYER])[LAYER] / SCALE
        around = F.unfold(F.pad(features, (1, 1, 1, 1), mode="reflect"), REACH)[0].T
        pixels = F.pixel_unshuffle(x, STRIDE)[0].flatten(1).T
        drawn = torch.from_numpy(rng.permutation(len(around))[:cells])
        yield F.pad(around[drawn], (0, 1), value=1.0), pixels[drawn]


def fit(vgg: nn.Module, files: list[Path], cells: int, ridge: float, rng: np.random.Generator):
    """The decoder with the least squared error, and a penalty on its weights."""
    inner = torch.zeros(_INPUTS, _INPUTS, dtype=torch.float64)
    outer = torch.zeros(_INPUTS, 3 * STRIDE**2, dtype=torch.float64)
    for i, (seen, pixels) in enumerate(samples(vgg, files, cells, rng), 1):
        inner += (seen.T @ seen).double()
        outer += (seen.T @ pixels).double()
        if i % 20 == 0:
            print(f"{i} of {len(files)} pictures", flush=True)
    inner.diagonal().add_(ridge * inner.diagonal().mean())
    solved = torch.cholesky_solve(outer, torch.linalg.cholesky(inner)).float()
    decoder = Decoder()
    shape = decoder.read.weight.shape
    decoder.read.weight.data = solved[:-1].T.reshape(shape).contiguous()
    decoder.read.bias.data = solved[-1].contiguous()
    return decoder


def main() -> None:
    """Read the options, fit, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/decoder"))
    parser.add_argument("--each", type=int, default=8, help="pictures of a domain")
    parser.add_argument("--cells", type=int, default=600, help="of a picture's 4096")
    parser.add_argument("--ridge", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    files = chosen_files(options.faces, options.each, rng)
    decoder = fit(load_vgg(last=LAYER), files, options.cells, options.ridge, rng)
    options.out.mkdir(parents=True, exist_ok=True)
    config = {"layer": LAYER, "pictures": len(files), "cells": options.cells, "side": SIDE}
    metadata = {"licence": LICENCE, "config": json.dumps(config)}
    save_state(options.out / DECODER, decoder.state_dict(), metadata)


if __name__ == "__main__":
    main()
