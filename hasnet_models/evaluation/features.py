"""What FID and KID compare: features of pictures, by a network that is always named.

Without anything else these are the means of pool5 of the embedded VGG16. Who has them gives the
file of torchvision's VGG16 or VGG19 (pool5 too) or of the InceptionV3 that published FIDs are of.
Values of different features do not compare, so the name stands in the column's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from hasnet_models.config.frozen import EMBEDDED_LAST, EMBEDDED_VGG
from hasnet_models.errors import WeightsError
from hasnet_models.evaluation.content import LAYERS
from hasnet_models.evaluation.inception import SHA256, SIDE, load_inception
from hasnet_models.face.align import resized
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.weights.digests import sha256_of
from hasnet_models.weights.load import load_vgg

# side in px that VGG sees a picture at: that of the losses in training
VGG_SIDE = 128
DEEPEST = "relu5_3"
EMBEDDED = f"{EMBEDDED_VGG}-pool5"
# Brings the embedded network's pool5 to the size that InceptionV3's features have, a root mean
# square of 0.2 to 0.6: KID's cubic kernel would outweigh all else in Overall.
POOL5_SCALE = 30.0
# the same for relu4_2, which the classifier looks at
RELU4_SCALE = 10.0

Layers = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class FeatureModule:
    """Features for FID and KID.

    Attributes:
        name: of the network and the layer.
        describe: a picture uint8 (S, S, 3), and its `Perception.layers`, to (D,).
    """

    name: str
    describe: Callable[[NDArray[np.uint8], Layers], NDArray]


class Perception:
    """The embedded VGG16 as content, classifier and the default features see pictures by it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.net = load_vgg(last=DEEPEST).to(device)

    @torch.inference_mode()
    def layers(self, rgb: NDArray[np.uint8]) -> dict[str, Tensor]:
        """The features (1, C, H, W) of a picture uint8 (S, S, 3), by layer."""
        return self.net(_tensor(rgb, VGG_SIDE, self.device), (*LAYERS, DEEPEST))


def pooled(layers: Layers) -> NDArray:
    """The means of relu4_2 over the picture, float64 (512,): what the classifier looks at."""
    return (layers[EMBEDDED_LAST].mean((2, 3))[0] / RELU4_SCALE).double().cpu().numpy()


def pool5(deepest: Tensor) -> NDArray:
    """The means of pool5 over the picture, float64 (512,), of relu5_3 (1, 512, H, W)."""
    return F.max_pool2d(deepest, 2).mean((2, 3))[0].double().cpu().numpy()


def embedded() -> FeatureModule:
    """The features that need no file."""
    return FeatureModule(EMBEDDED, lambda _rgb, layers: pool5(layers[DEEPEST]) / POOL5_SCALE)


def from_file(path: Path, device: torch.device) -> FeatureModule:
    """The features of a network whose file the user has.

    Args:
        path: the InceptionV3 of published FIDs (told by its sha256), or torchvision's VGG16 or
            VGG19.

    Raises:
        WeightsError: it is none of them, or damaged.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file of features at {path}.", parameters=("features",))
    if sha256_of(path) == SHA256:
        return _inception(load_inception(path).to(device), device)
    if "inception" in path.name.lower():
        raise WeightsError(
            f"{path} is not the InceptionV3 that FIDs are published with: its sha256 differs.",
            "It is called pt_inception-2015-12-05-6726825d.pth.",
        )
    return _torchvision(load_vgg(path, last=DEEPEST).to(device), device)


def _inception(net: nn.Module, device: torch.device) -> FeatureModule:
    @torch.inference_mode()
    def describe(rgb: NDArray[np.uint8], _layers: Layers) -> NDArray:
        return net(_tensor(rgb, SIDE, device))[0].double().cpu().numpy()

    return FeatureModule("inceptionv3", describe)


def _torchvision(net: VGGFeatures, device: torch.device) -> FeatureModule:
    @torch.inference_mode()
    def describe(rgb: NDArray[np.uint8], _layers: Layers) -> NDArray:
        return pool5(net(_tensor(rgb, VGG_SIDE, device), [DEEPEST])[DEEPEST])

    return FeatureModule(f"torchvision-{net.arch}-pool5", describe)


def _tensor(rgb: NDArray[np.uint8], side: int, device: torch.device) -> Tensor:
    return to_tensor(resized(rgb, side)[None], device)
