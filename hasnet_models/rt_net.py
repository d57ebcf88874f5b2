"""RT-Net: a U-Net with seven RTMs that recolours a gray face by a palette (paper III-A)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hasnet_models.colour import luma
from hasnet_models.config import RTConfig
from hasnet_models.rtm import RTM

SLOPE = 0.2


class RTNet(nn.Module):
    """X_RT = RT-Net(X_Sg, C_R).

    The encoder gives z_G^1 .. z_G^n, an MLP the palette code z_C, and the decoder has one RTM a
    scale. The head is a convolution to RGB, or palette attention where the configuration says so.
    """

    def __init__(self, config: RTConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.stem = nn.Conv2d(1, c[0], 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in itertools.pairwise(c))
        self.palette = nn.Sequential(
            nn.Linear(3 * config.palette_colours, config.palette_dim),
            nn.LeakyReLU(SLOPE),
            nn.Linear(config.palette_dim, config.palette_dim),
        )
        reverse = c[::-1]
        self.rtms = nn.ModuleList(RTM(n, n, config.palette_dim) for n in reverse)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise((*reverse, c[0]))
        )
        head = PaletteAttention if config.palette_attention else DirectHead
        self.head = head(config)

    def forward(self, gray: Tensor, palette: Tensor) -> Tensor:
        """Recolour a picture.

        Args:
            gray: X_Sg, (B, 1, H, W), L of Lab in -1..1.
            palette: C_R, (B, 20, 3), colours in -1..1 in ColorThief's order.

        Returns:
            X_RT, (B, 3, H, W) in -1..1.
        """
        return self.head(self.features(gray, palette), gray, palette)

    def features(self, gray: Tensor, palette: Tensor) -> Tensor:
        """Decoder output, (B, channels[0], h, w), at the size that the U-Net works at."""
        size = self.config.size
        if size and gray.shape[-1] > size:
            gray = F.interpolate(gray, size=(size, size), mode="area")
        z_c = self.palette(palette.flatten(1))
        z_g = [self.stem(gray)]
        for down in self.down:
            z_g.append(down(F.leaky_relu(z_g[-1], SLOPE)))
        h = z_g[-1]
        for rtm, conv, z in zip(self.rtms, self.convs, reversed(z_g), strict=True):
            if h.shape[-2:] != z.shape[-2:]:
                h = F.interpolate(h, size=z.shape[-2:], mode="nearest")
            h = conv(F.leaky_relu(rtm(h, z, z_c), SLOPE))
        return F.leaky_relu(h, SLOPE)


class DirectHead(nn.Module):
    """RGB by one convolution, as in the paper."""

    def __init__(self, config: RTConfig) -> None:
        super().__init__()
        self.rgb = nn.Conv2d(config.channels[0], 3, 3, padding=1)

    def forward(self, h: Tensor, gray: Tensor, palette: Tensor) -> Tensor:
        """(B, C, h, w) features, (B, 1, H, W), (B, 20, 3) -> (B, 3, H, W) in -1..1."""
        return bring_to(self.rgb(h), gray).tanh()


class PaletteAttention(nn.Module):
    """Each pixel is a mixture of the palette's colours, chosen by meaning and by brightness.

    A query per pixel meets a key per colour; the logits also hold -2 b (l_pixel - l_colour)^2,
    where the picture's and the palette's luminances are each stretched to -1..1, so that the
    brightest pixels take the brightest colours. A small learned residual lets the picture leave
    the palette's hull.
    """

    def __init__(self, config: RTConfig) -> None:
        super().__init__()
        self.key_dim = config.key_dim
        self.detail = config.detail
        width = config.channels[0]
        self.query = nn.Conv2d(width, config.key_dim, 3, padding=1)
        self.key = nn.Sequential(
            nn.Linear(8, 64), nn.LeakyReLU(SLOPE), nn.Linear(64, config.key_dim)
        )
        self.residual = nn.Conv2d(width, 4, 3, padding=1)
        self.sharpness = nn.Parameter(torch.tensor(4.0))
        self.reach = nn.Parameter(torch.tensor(0.1))

    def forward(self, h: Tensor, gray: Tensor, palette: Tensor) -> Tensor:
        """(B, C, h, w) features, (B, 1, H, W), (B, 20, 3) -> (B, 3, H, W) in -1..1."""
        weights = self.attend(h, gray, palette)
        mixed = torch.einsum("bnhw,bnc->bchw", weights, palette)
        residual, keep = bring_to(self.residual(h), gray).split((3, 1), 1)
        mixed = mixed + self.reach * residual.tanh()
        if self.detail:
            mixed = mixed + keep.sigmoid() * (target_luma(gray, palette) - luma(mixed))
        return mixed.clamp(-1, 1) if not self.training else mixed

    def attend(self, h: Tensor, gray: Tensor, palette: Tensor) -> Tensor:
        """Share of each palette colour in each pixel, (B, 20, H, W), summing to 1."""
        tones = palette_tones(palette)
        lumas = luma(palette, 2)
        offset = palette - palette.mean(1, keepdim=True)
        keys = self.key(torch.cat((palette, offset, lumas, tones), 2))
        logits = torch.einsum("bkhw,bnk->bnhw", self.query(h), keys) / self.key_dim**0.5
        distance = picture_tones(gray) - tones.squeeze(2)[:, :, None, None]
        logits = bring_to(logits, gray) - 2 * F.softplus(self.sharpness) * distance.square()
        return logits.softmax(1)


def bring_to(x: Tensor, like: Tensor) -> Tensor:
    """``x`` resized bilinearly to the height and width of ``like``, where they differ."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def picture_tones(gray: Tensor) -> Tensor:
    """Luminance with the picture's 2nd and 98th percentile brought to -1 and 1, (B, 1, H, W)."""
    sample = gray.flatten(1)[:, :: max(1, gray[0].numel() // 16384)].float()
    low, high = torch.quantile(sample, torch.tensor([0.02, 0.98], device=gray.device), dim=1)
    low, span = low[:, None, None, None], (high - low).clamp_min(0.05)[:, None, None, None]
    return ((gray - low) / span * 2 - 1).clamp(-1.2, 1.2)


def palette_tones(palette: Tensor) -> Tensor:
    """Luma of each colour with the palette's darkest at -1 and its brightest at 1, (B, 20, 1)."""
    lumas = luma(palette, 2)
    low, high = lumas.amin(1, keepdim=True), lumas.amax(1, keepdim=True)
    return (lumas - low) / (high - low).clamp_min(0.05) * 2 - 1


def target_luma(gray: Tensor, palette: Tensor) -> Tensor:
    """The picture's luminance carried to the palette's range, (B, 1, H, W) in about -1..1."""
    lumas = luma(palette, 2)
    low, high = lumas.amin(1)[:, :, None, None], lumas.amax(1)[:, :, None, None]
    return (picture_tones(gray) + 1) / 2 * (high - low) + low
