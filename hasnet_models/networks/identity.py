"""Identity: from an aligned face to the vector z_id, differentiable all the way.

The network is MobileFaceNet (Chen et al. 2018) trained with the ArcFace loss (Deng et al. 2019),
192 numbers. The ArcFace crop is one fixed similarity from the FFHQ frame, so the z_id of a
generated picture has a gradient (the identity loss, Eq. 8, needs it).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hasnet_models.config.frozen import EMBEDDING_SIZE
from hasnet_models.frame import FFHQ_TEMPLATE_512, fit_similarity
from hasnet_models.networks.warp import centres

CROP_SIZE = 112
# Frames wider than _SHRINK_ABOVE are reduced to _SHRINK_TO with a filter before the crop is
# sampled: bilinear sampling alone skips pixels when it shrinks by much more than 1.5.
_SHRINK_ABOVE = 224
_SHRINK_TO = 192
# Of such a frame no more is read than from 7 to 57 sixty-fourths of either side, 5 px of 512 beyond
# what the crop and the filter need.
_PARTS, _FROM, _TO = 64, 7, 57

# Five points in viewer's order: left eye, right eye, nose, left and right mouth corner (pixels).
ARCFACE_TEMPLATE_112 = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)


def _crop_theta() -> Tensor:
    """The (2, 3) affine map of `F.grid_sample`: crop coordinates to frame coordinates, -1..1.

    Pixel p of a side of n pixels has its centre at (2 p + 1) / n - 1, so the same matrix serves
    a frame of any size.
    """
    to_crop = fit_similarity(FFHQ_TEMPLATE_512, ARCFACE_TEMPLATE_112)
    to_frame = np.linalg.inv(to_crop[:, :2])
    linear = to_frame * (CROP_SIZE / 512)
    centre = to_frame @ ((CROP_SIZE - 1) / 2 - to_crop[:, 2])
    shift = (2 * centre + 1) / 512 - 1
    return torch.tensor(np.column_stack([linear, shift]), dtype=torch.float32)


_THETA = _crop_theta()


def arcface_crop(frames: Tensor) -> Tensor:
    """Cut the ArcFace crop out of FFHQ-aligned frames.

    Args:
        frames: (B, 3, S, S), RGB in -1..1, the whole FFHQ frame at any side S.

    Returns:
        (B, 3, 112, 112) in -1..1; differentiable with respect to `frames`.
    """
    side = int(frames.shape[-1])  # a number in a trace too
    window = _window(side)
    return _crop_of(frames[..., window, window], side)


def _window(side: int) -> slice:
    """Of either side of a frame, what the crop is made of: all of a small one."""
    if side <= _SHRINK_ABOVE or side % _PARTS:
        return slice(0, side)
    return slice(side // _PARTS * _FROM, side // _PARTS * _TO)


def _crop_of(middles: Tensor, side: int) -> Tensor:
    """The crop (B, C, 112, 112) of the windows (B, C, s, s) of frames of a side."""
    share = int(middles.shape[-1]) / side  # the window's middle is the frame's
    if side > _SHRINK_ABOVE:
        size = (round(_SHRINK_TO * share),) * 2
        middles = F.interpolate(
            middles, size=size, mode="bilinear", align_corners=False, antialias=True
        )
    line, (x_row, y_row) = centres(CROP_SIZE, middles), (_THETA / share).tolist()
    x, y = (a * line + b * line[:, None] + c for a, b, c in (x_row, y_row))
    grid = torch.stack((x, y), -1).expand(middles.shape[0], -1, -1, -1)
    return F.grid_sample(middles, grid, padding_mode="border", align_corners=False)


def embed(net: nn.Module, frames: Tensor) -> Tensor:
    """z_id of FFHQ-aligned frames: (B, 3, S, S) in -1..1 to (B, 192) of unit length."""
    return net(arcface_crop(frames) * (127.5 / 128))


def embed_pixels(net: nn.Module, pictures: Tensor) -> Tensor:
    """As :func:`embed`, of uint8 (B, S, S, 3): what is scaled is no more than the crop."""
    side = int(pictures.shape[1])
    window = _window(side)
    planes = pictures[:, window, window].permute(0, 3, 1, 2).float()
    return net((_crop_of(planes, side) - 127.5) / 128)


class _Conv(nn.Sequential):
    """Convolution with bias and TensorFlow's 'SAME' padding, then PReLU unless `linear`.

    'SAME' with stride 2 on an even side pads only right and below; torch's own padding would
    shift every later feature by half a pixel.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        before = (kernel - stride) // 2
        after = kernel - stride - before
        even = before == after  # then the convolution pads by itself
        conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=before if even else 0, groups=groups
        )
        pad = nn.Identity() if even else nn.ZeroPad2d((before, after, before, after))
        layers = [conv] if kernel == 1 else [pad, conv]  # in the weight file's names it has a place
        super().__init__(*layers, *([] if linear else [nn.PReLU(outputs)]))


class _Bottleneck(nn.Sequential):
    """Expand, depthwise 3x3, project without activation."""

    def __init__(self, inputs: int, hidden: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            _Conv(inputs, hidden),
            _Conv(hidden, hidden, 3, stride=stride, groups=hidden),
            _Conv(hidden, outputs, linear=True),
        )


class _Residual(_Bottleneck):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__(channels, hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class MobileFaceNet(nn.Module):
    """MobileFaceNet: (B, 3, 112, 112) RGB as (x - 127.5) / 128 to (B, 192) of unit length.

    Layer by layer the graph of the published TensorFlow Lite file (see
    tools/convert_mobilefacenet.py): 52 convolutions with biases (batch norms already merged) and
    33 PReLUs, declared in the order in which they run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _Conv(3, 64, 3, stride=2),
            _Conv(64, 64, 3, groups=64),
            _Conv(64, 64, linear=True),
        )
        self.body = nn.Sequential(
            _Bottleneck(64, 128, 64, stride=2),
            *(_Residual(64, 128) for _ in range(4)),
            _Bottleneck(64, 256, 128, stride=2),
            *(_Residual(128, 256) for _ in range(6)),
            _Bottleneck(128, 512, 128, stride=2),
            *(_Residual(128, 256) for _ in range(2)),
        )
        self.head = nn.Sequential(
            _Conv(128, 512),
            nn.Conv2d(512, 512, 7, groups=512),
            nn.Conv2d(512, 512, 1),
            nn.Conv2d(512, EMBEDDING_SIZE, 1),
        )

    def forward(self, crops: Tensor) -> Tensor:
        return F.normalize(self.head(self.body(self.stem(crops))).flatten(1), dim=1)
