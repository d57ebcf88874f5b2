"""What AdaIN, WCT, SANet and DSTN share: VGG features in, changed features out, one decoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hasnet_models import image_io
from hasnet_models.evaluation.inputs import Sample
from hasnet_models.evaluation.systems.decoder import LAYER, Decoder
from hasnet_models.face.align import resized
from hasnet_models.networks.tensors import to_pixels, to_tensor
from hasnet_models.networks.vgg import VGGFeatures
from hasnet_models.weights.files import weight_path
from hasnet_models.weights.load import load_into, load_state, load_vgg

DECODER = "vgg_decoder.safetensors"
SIDE = 256
_EPSILON = 1e-5


class FeatureSpace:
    """Encodes source and reference at `SIDE` px, has `transfer` change features, decodes them."""

    name: ClassVar[str] = ""
    note: ClassVar[str] = ""

    def open(self, samples: Sequence[Sample]) -> None:
        """Loads the shared networks.

        Raises:
            WeightsError: a weight file is missing or damaged.
        """
        encoder()
        self.decoder = trained_decoder()

    @torch.inference_mode()
    def make(self, sample: Sample) -> np.ndarray:
        """uint8 (256, 256, 3)."""
        content, style = encoded(sample.source_path), encoded(sample.reference_path)
        return to_pixels(self.decoder(self.transfer(content, style)))[0]

    def transfer(self, content: Tensor, style: Tensor) -> Tensor:
        """Features (1, C, H, W) with the content of one and the style of the other."""
        raise NotImplementedError


@lru_cache(maxsize=1)
def encoder() -> VGGFeatures:
    """VGG16 up to `LAYER`, loaded once for all."""
    return load_vgg(last=LAYER)


@lru_cache(maxsize=1)
def trained_decoder() -> Decoder:
    """The shared decoder, loaded once for all.

    Raises:
        WeightsError: its weights are missing or damaged.
    """
    net = Decoder()
    load_into(net, load_state(weight_path(DECODER))[0], "the decoder of VGG features")
    return net.eval().requires_grad_(False)


@lru_cache(maxsize=256)
def encoded(path: Path) -> Tensor:
    """Features (1, 256, 64, 64) of an input, kept because every system begins with them."""
    rgb = resized(image_io.read(path).rgb, SIDE)
    return encoder()(to_tensor(rgb[None]), [LAYER])[LAYER]


def normalised(features: Tensor) -> Tensor:
    """Each channel with mean 0 and deviation 1 over the picture."""
    return (features - features.mean((2, 3), keepdim=True)) / deviation(features)


def deviation(features: Tensor) -> Tensor:
    """(B, C, 1, 1), never 0."""
    return features.std((2, 3), keepdim=True) + _EPSILON


def statistics_of(features: Tensor, style: Tensor) -> Tensor:
    """AdaIN: the features with the style's mean and deviation in each channel."""
    return normalised(features) * deviation(style) + style.mean((2, 3), keepdim=True)
