"""From VGG features back to a picture: the decoder that all feature-space peers share."""

from __future__ import annotations

from torch import Tensor, nn

LAYER = "relu3_1"
CHANNELS, STRIDE = 256, 4
# cells along a side that a cell's pixels are read from
REACH = 3
# what the features are divided by, so that they are about 1
SCALE = 100.0


class Decoder(nn.Module):
    """Features of `LAYER` to RGB: each cell's 4 x 4 pixels from the 3 x 3 cells around it.

    It is linear, so that `tools/train_decoder.py` finds the best one in closed form; it learns, as
    WCT's decoders do (Li et al. 2017), to give back the picture that the features are of.
    """

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Conv2d(
            CHANNELS, 3 * STRIDE**2, REACH, padding=REACH // 2, padding_mode="reflect"
        )
        self.place = nn.PixelShuffle(STRIDE)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 256, H, W) of VGG16's relu3_1 to (B, 3, 4 H, 4 W) in about -1..1."""
        return self.place(self.read(features / SCALE))
