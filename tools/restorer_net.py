"""The network that train_restorer.py trains, and its export to ONNX."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from convert_detector import write_small
from torch import Tensor, nn

OPSET = 17
SIDE = 128
CELL = 4  # px of the picture that one place of the network sees at once


class Block(nn.Module):
    """x + two 3 x 3 convolutions of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.leaky_relu(self.first(x), 0.1))


class RestorerNet(nn.Module):
    """What a weak face lacks, at a quarter of its resolution; it starts as adding nothing.

    One convolution gives what can be had by a filter (`train_restorer.fit_filter`), the rest of the
    network what is beyond that. It has a bias for each place: in an aligned face that tells eyes
    from mouth.
    """

    def __init__(self, width: int = 48, blocks: int = 4) -> None:
        super().__init__()
        depth = 3 * CELL**2
        self.filter = nn.Conv2d(depth, depth, 3, padding=1)
        self.head = nn.Conv2d(depth, width, 3, padding=1)
        self.place = nn.Parameter(torch.zeros(1, width, SIDE // CELL, SIDE // CELL))
        self.body = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, depth, 3, padding=1)
        for block in self.body:
            nn.init.normal_(block.second.weight, std=0.01)
        for layer in (self.filter, self.tail):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        """Faces (N, 3, 128, 128) in -1..1, of the FFHQ frame, as they may have been."""
        cells = F.pixel_unshuffle(image, CELL)
        beyond = self.tail(self.body(self.head(cells) + self.place))
        return image + F.pixel_shuffle(self.filter(cells) + beyond, CELL)


def export(net: RestorerNet, path: Path) -> None:
    """The network as ONNX: any number of faces, kernels stored as float16."""
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, 3, SIDE, SIDE),),
        str(path),
        input_names=["image"],
        output_names=["restored"],
        dynamic_axes={name: {0: "faces"} for name in ("image", "restored")},
        opset_version=OPSET,
        dynamo=False,
    )
    write_small(onnx.load(str(path)), path)
