"""The network that train_drawn_landmarks.py trains, and its export to ONNX."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from convert_detector import write_small
from torch import Tensor, nn

from hasnet_models.face.drawn import WINDOW

OPSET = 17


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1):
    """Convolution and batch norm."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """x + a separable 5 x 5 convolution of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = conv(width, width, 5, groups=width)
        self.mix = conv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(F.relu(self.spatial(x)))


class Full(nn.Module):
    """x + a 3 x 3 convolution of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.conv(x))


class DrawnLandmarkNet(nn.Module):
    """An encoder down to 1/16 and back to 1/4 of the side (a small U-Net)."""

    def __init__(self, widths: tuple[int, int, int, int] = (12, 20, 32, 48)) -> None:
        super().__init__()
        a, b, c, d = widths
        self.stem = conv(3, a, stride=2)
        self.quarter, self.quarter_more = conv(a, b, stride=2), Full(b)
        self.eighth, self.eighth_more = conv(b, c, stride=2), Full(c)
        self.sixteenth = conv(c, d, stride=2)
        self.sixteenth_more = nn.Sequential(*(Residual(d) for _ in range(3)))
        self.to_eighth, self.at_eighth = conv(d, c, 1), Residual(c)
        self.to_quarter, self.at_quarter = conv(c, b, 1), Residual(b)
        self.cells = nn.Sequential(conv(c, 16), nn.ReLU(), nn.Conv2d(16, 2, 1))
        self.maps = nn.Sequential(conv(b, 24), nn.ReLU(), nn.Conv2d(24, 11, 1))
        nn.init.constant_(self.cells[2].bias[:1], -3.0)  # most places hold no face
        nn.init.constant_(self.maps[2].bias[5:], -2.0)  # an eye is some 0.15 of the window

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Image (N, 3, H, W) 0..1, sides multiples of 16; `cells` and `maps` as in face/drawn.py.

        Returns:
            (N, 2, H / 8, W / 8): logit of a face's middle, logarithm of the face's scale;
            (N, 11, H / 4, W / 4): see `soft_argmax` there.
        """
        quarter = F.relu(self.quarter(F.relu(self.stem(image * 4 - 2))))
        quarter = self.quarter_more(quarter)
        eighth = self.eighth_more(F.relu(self.eighth(quarter)))
        deep = self.sixteenth_more(F.relu(self.sixteenth(eighth)))
        eighth = self.at_eighth(F.relu(eighth + _twice(self.to_eighth(deep))))
        quarter = self.at_quarter(F.relu(quarter + _twice(self.to_quarter(eighth))))
        return self.cells(F.relu(eighth)), self.maps(F.relu(quarter))


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def export(net: DrawnLandmarkNet, path: Path) -> None:
    """The network as ONNX: any picture size in multiples of 16, kernels stored as float16."""
    sizes = {0: "pictures", 2: "height", 3: "width"}
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, 3, WINDOW, WINDOW),),
        str(path),
        input_names=["image"],
        output_names=["cells", "maps"],
        dynamic_axes={name: sizes for name in ("image", "cells", "maps")},
        opset_version=OPSET,
        dynamo=False,
    )
    write_small(onnx.load(str(path)), path)
