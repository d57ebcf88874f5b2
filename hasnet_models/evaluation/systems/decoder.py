"""From VGG features back to a picture: the decoder that all feature-space peers share."""

from __future__ import annotations

from torch import Tensor, nn

LAYER = "relu4_1"
WIDTHS = (128, 64, 32)
# what the features are divided by, so that they are about 1
SCALE = 100.0
_CHANNELS = 512


class Decoder(nn.Module):
    """Features of `LAYER` to RGB, mirrored as in AdaIN (Huang and Belongie 2017) but narrower.

    Trained by `tools/train_decoder.py` to give back the picture that the features are of, as
    WCT's decoders are (Li et al. 2017); reflection padding, nearest-neighbour enlarging.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(_CHANNELS, WIDTHS[0]), nn.ReLU()]
        for here, after in zip(WIDTHS, (*WIDTHS[1:], WIDTHS[-1]), strict=True):
            layers += [nn.Upsample(scale_factor=2), _conv(here, here), nn.ReLU()]
            layers += [_conv(here, after), nn.ReLU()] if after != here else []
        self.body = nn.Sequential(*layers, _conv(WIDTHS[-1], 3))

    def forward(self, features: Tensor) -> Tensor:
        """(B, 512, H, W) of VGG16's relu4_1 to (B, 3, 8 H, 8 W) in about -1..1."""
        return self.body(features / SCALE)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
