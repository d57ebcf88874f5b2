"""Perceptual features: the ReLU outputs of a VGG network, by name.

VGG16 is embedded; VGG19 (the paper's) is the same class with torchvision's weights supplied by
the user. The contextual losses (Eq. 9, 10) read relu3_2 and relu4_2, the content of TT-Net
(Con^0) is relu4_1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hasnet_models.config.frozen import (
    EMBEDDED_LAST,
    EMBEDDED_VGG,
    VGG_CONVS,
    layer_channels,
    layer_names,
)

# Preprocessing: is the channel order BGR, the range's top, mean and deviation per channel.
PREPROCESSING = {
    "caffe": (True, 255.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    "torchvision": (False, 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


class VGGFeatures(nn.Module):
    """A VGG network up to one layer, frozen, returning the layers that are asked for.

    Args:
        arch: "vgg16" or "vgg19".
        last: the last layer that is built.
        preprocessing: "caffe" (BGR 0..255 minus the mean) or "torchvision" (RGB 0..1, mean and
            deviation); it has to be the one that the weights were trained with.

    Raises:
        ValueError: there is no such architecture, layer or preprocessing.
    """

    def __init__(
        self, arch: str = EMBEDDED_VGG, last: str = EMBEDDED_LAST, preprocessing: str = "caffe"
    ) -> None:
        super().__init__()
        self.arch, self.preprocessing = arch, preprocessing
        self.names = layer_names(arch, last)
        if preprocessing not in PREPROCESSING:
            raise ValueError(f"unknown preprocessing {preprocessing!r}")
        self._flip, self._top, mean, std = PREPROCESSING[preprocessing]
        self.register_buffer("_mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        inputs = 3
        for name in self.names:
            outputs = layer_channels(name)
            self.add_module(_conv_name(name), nn.Conv2d(inputs, outputs, 3, padding=1))
            inputs = outputs
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features of RGB pictures.

        Args:
            x: (B, 3, H, W) in -1..1.
            layers: names such as "relu3_2"; nothing beyond the deepest is computed.

        Returns:
            For each name (B, C, H / 2^(block - 1), W / 2^(block - 1)).

        Raises:
            ValueError: a layer is unknown or lies beyond the last one that was built.
        """
        if missing := [name for name in layers if name not in self.names]:
            raise ValueError(f"no layer {', '.join(missing)} in {self.arch} up to {self.names[-1]}")
        found: dict[str, Tensor] = {}
        x = self._prepare(x)
        for name in self.names:
            if len(found) == len(set(layers)):
                break
            if name.endswith("_1") and name != "relu1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(self.get_submodule(_conv_name(name))(x), inplace=True)
            if name in layers:
                found[name] = x
        return found

    def _prepare(self, x: Tensor) -> Tensor:
        x = (x + 1) * (self._top / 2)
        return ((x.flip(1) if self._flip else x) - self._mean) / self._std


def _conv_name(relu: str) -> str:
    return "conv" + relu[len("relu") :]


def _torchvision_indices(arch: str) -> Iterator[tuple[str, int]]:
    """Pairs of our convolution name and its index in torchvision's `features`."""
    index = 0
    for name in layer_names(arch):
        if name.endswith("_1") and name != "relu1_1":
            index += 1  # the pooling
        yield _conv_name(name), index
        index += 2  # convolution and ReLU


def from_torchvision(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """Rename a torchvision VGG16 or VGG19 state dict ('features.0.weight', ...) to our names.

    Returns the architecture, told by the position of the convolutions, and the renamed tensors of
    all convolutions (classifier left out).

    Raises:
        ValueError: it is neither of the two (a batch-norm variant, another network).
    """
    present = {key for key in state if key.startswith("features.") and key.endswith(".weight")}
    for arch in VGG_CONVS:
        pairs = list(_torchvision_indices(arch))
        if present == {f"features.{index}.weight" for _, index in pairs}:
            return arch, {
                f"{name}.{part}": state[f"features.{index}.{part}"]
                for name, index in pairs
                for part in ("weight", "bias")
            }
    raise ValueError("not the state dict of torchvision's vgg16 or vgg19 without batch norm")
