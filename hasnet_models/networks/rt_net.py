"""RT-Net: a U-Net with seven RTMs that recolours a gray face by a palette (paper III-A)."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hasnet_models.config.schema import RTConfig
from hasnet_models.networks.colour import luma
from hasnet_models.networks.rtm import RTM
from hasnet_models.topology.zones import ZONES

SLOPE = 0.2
# what a colour is, for its key: itself, its offset from the palette's mean, its luma and its tone
COLOUR_FACTS = 8
SHARE_SCALE = 4.0
# keeps the logarithm finite; a colour that a zone lacks is unlikely there, not forbidden
LEAST_SHARE = 0.003
# median over 211 photos of the 2nd and of the 98th percentile of L / 50 - 1
FIXED_ENDS = (-0.85, 0.72)
BANDS = 8  # of rows, in which a picture's pixels take their colours


class RTNet(nn.Module):
    """X_RT = RT-Net(X_Sg, C_R).

    The encoder gives z_G^1 .. z_G^n, an MLP the palette code z_C, and the decoder has one RTM a
    scale. The head is a convolution to RGB, or palette attention where the configuration says so.
    With zones both know where the face's skin, lips, eyes and hair are, and which of the palette's
    colours the reference has there.
    """

    def __init__(self, config: RTConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.stem = nn.Conv2d(1 + (len(ZONES) if config.zones else 0), c[0], 3, padding=1)
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

    def forward(
        self,
        gray: Tensor,
        palette: Tensor,
        zones: Tensor | None = None,
        shares: Tensor | None = None,
    ) -> Tensor:
        """Recolour a picture.

        Args:
            gray: X_Sg, (B, 1, H, W), L of Lab in -1..1.
            palette: C_R, (B, 20, 3), colours in -1..1 in ColorThief's order.
            zones: (B, 6, h, w), how much of each pixel is in each zone, summing to 1, see
                :func:`hasnet_models.topology.zones.zone_maps`; None: a sixth everywhere. Zones and
                shares are not looked at without ``config.zones``.
            shares: (B, 20, 6), of each zone of the reference the share of each colour, columns
                summing to 1; None: a twentieth everywhere.

        Returns:
            X_RT, (B, 3, H, W) in -1..1.
        """
        place = Whereabouts.of(gray, palette, zones, shares) if self.config.zones else None
        return self.head(self.features(gray, palette, place), gray, palette, place)

    def features(self, gray: Tensor, palette: Tensor, place: Whereabouts | None = None) -> Tensor:
        """Decoder output, (B, channels[0], h, w), at the size that the U-Net works at."""
        size = self.config.size
        gray = area(gray, size) if size else gray
        z_c = self.palette(palette.flatten(1))
        x = gray if place is None else torch.cat((gray, bring_to(place.zones, gray)), 1)
        z_g = [self.stem(x)]
        for down in self.down:
            z_g.append(down(F.leaky_relu(z_g[-1], SLOPE)))
        h = z_g[-1]
        for rtm, conv, z in zip(self.rtms, self.convs, reversed(z_g), strict=True):
            if h.shape[-2:] != z.shape[-2:]:
                h = F.interpolate(h, size=z.shape[-2:], mode="nearest")
            h = conv(F.leaky_relu(rtm(h, z, z_c), SLOPE))
        return F.leaky_relu(h, SLOPE)


class Whereabouts(NamedTuple):
    """Where things are: in the source by ``zones`` (B, 6, h, w), in the palette by ``shares``."""

    zones: Tensor
    shares: Tensor

    @classmethod
    def of(
        cls, gray: Tensor, palette: Tensor, zones: Tensor | None, shares: Tensor | None
    ) -> Whereabouts:
        """Even zones and shares where they are not known, which prefer no colour anywhere."""
        batch, colours = palette.shape[:2]
        if zones is None:
            zones = gray.new_full((batch, len(ZONES), 1, 1), 1 / len(ZONES))
        if shares is None:
            shares = palette.new_full((batch, colours, len(ZONES)), 1 / colours)
        return cls(zones, shares)


class DirectHead(nn.Module):
    """RGB by one convolution, as in the paper."""

    def __init__(self, config: RTConfig) -> None:
        super().__init__()
        self.rgb = nn.Conv2d(config.channels[0], 3, 3, padding=1)

    def forward(
        self, h: Tensor, gray: Tensor, palette: Tensor, place: Whereabouts | None = None
    ) -> Tensor:
        """(B, C, h, w) features, (B, 1, H, W), (B, 20, 3) -> (B, 3, H, W) in -1..1."""
        return bring_to(self.rgb(h), gray).tanh()


class PaletteAttention(nn.Module):
    """Each pixel is a mixture of the palette's colours, chosen by meaning and by brightness.

    A query per pixel meets a key per colour; the logits also hold -2 b (l_pixel - l_colour)^2,
    where the picture's and the palette's luminances are each stretched to -1..1, so that the
    brightest pixels take the brightest colours. A small learned residual, no more colourful than
    the palette, lets the picture leave the palette's hull. With zones the key knows where the
    reference has its colour, and the logits also hold how much of it is in the pixel's zone.
    """

    def __init__(self, config: RTConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels[0]
        facts = COLOUR_FACTS + (len(ZONES) if config.zones else 0)
        self.query = nn.Conv2d(width, config.key_dim, 3, padding=1)
        self.key = nn.Sequential(
            nn.Linear(facts, 64), nn.LeakyReLU(SLOPE), nn.Linear(64, config.key_dim)
        )
        self.residual = nn.Conv2d(width, 4, 3, padding=1)
        self.sharpness = nn.Parameter(torch.tensor(1.0 if config.zones else 4.0))
        self.reach = nn.Parameter(torch.tensor(0.1))
        self.zone_gain = nn.Parameter(torch.tensor(1.8)) if config.zones else None

    def forward(
        self, h: Tensor, gray: Tensor, palette: Tensor, place: Whereabouts | None = None
    ) -> Tensor:
        """(B, C, h, w) features, (B, 1, H, W), (B, 20, 3) -> (B, 3, H, W) in -1..1."""
        target = matched_tones(gray, palette, self.config)
        mixed = self.mixture(self.logits(h, palette, place), target, palette)
        residual, keep = self.residual(h).split((3, 1), 1)
        reach = self.reach * colourfulness(palette)
        mixed = mixed + bring_to(residual, gray).tanh() * reach
        if self.config.detail:
            least = self.config.detail_least
            share = least + (1 - least) * bring_to(keep, gray).sigmoid()
            mixed = mixed + share * (to_luma(target, palette) - luma(mixed))
        return mixed.clamp(-1, 1) if not self.training else mixed

    def mixture(self, logits: Tensor, target: Tensor, palette: Tensor) -> Tensor:
        """The palette mixed in each pixel, (B, 3, H, W).

        Twenty planes of the picture's size are more than a processor's caches hold, so they are
        made of some rows at a time.

        Args:
            logits: of each colour, (B, 20, h, w), without what the pixel's own brightness adds.
            target: the tones that the pixels should have, (B, 1, H, W), about -1..1.
        """
        whole = torch.cat((palette, torch.ones_like(palette[..., :1])), 2).transpose(1, 2)
        sums = [
            whole @ self.attend(band, tones, palette).flatten(2)
            for band, tones in bands(logits, target)
        ]
        mixed, total = torch.cat(sums, 2).split((3, 1), 1)
        return (mixed / total).reshape(-1, 3, *target.shape[-2:])

    def attend(self, logits: Tensor, target: Tensor, palette: Tensor) -> Tensor:
        """Weight of each colour in each pixel, (B, 20, H, W), their sum not yet 1, of logits so."""
        slope = 4 * F.softplus(self.sharpness) * palette_tones(palette)[..., None]
        return (logits + slope * target).exp()

    def logits(self, h: Tensor, palette: Tensor, place: Whereabouts | None = None) -> Tensor:
        """How much each colour suits each place but for its brightness, (B, 20, h, w), <= 0."""
        tones = palette_tones(palette)
        lumas = luma(palette, 2)
        offset = palette - palette.mean(1, keepdim=True)
        facts = (palette, offset, lumas, tones)
        facts = facts if place is None else (*facts, SHARE_SCALE * place.shares)
        keys = self.key(torch.cat(facts, 2)) / self.config.key_dim**0.5
        logits = per_pixel(keys, self.query(h))
        if place is not None:
            prior = zone_prior(bring_to(place.zones, h), place.shares)
            logits = logits + F.softplus(self.zone_gain) * prior
        # (l_pixel - l_colour)^2 multiplied out; l_pixel^2 is alike for all colours and falls away
        logits = logits - 2 * F.softplus(self.sharpness) * tones[..., None].square()
        # what all colours of a pixel have alike is of no matter: no power is over e^(2 sharpness)
        return logits - logits.amax(1, keepdim=True)


def per_pixel(matrix: Tensor, planes: Tensor) -> Tensor:
    """A matrix (B, m, n) applied to the planes (B, n, H, W) of each pixel, (B, m, H, W)."""
    batch, _, height, width = planes.shape
    return (matrix @ planes.flatten(2)).reshape(batch, -1, height, width)


def area(x: Tensor, side: int) -> Tensor:
    """Square planes (B, C, S, S) as means over blocks, (B, C, side, side); no larger than it is."""
    return x if x.shape[-1] <= side else F.adaptive_avg_pool2d(x, (side, side))


def bring_to(x: Tensor, like: Tensor) -> Tensor:
    """``x`` resized bilinearly to the height and width of ``like``, where they differ."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def bands(planes: Tensor, like: Tensor) -> list[tuple[Tensor, Tensor]]:
    """``planes`` as by :func:`bring_to`, and ``like`` (B, C, H, W), both in bands of rows.

    One band where ``planes`` (B, N, h, w) are not enlarged by a whole number.
    """
    height, finer = int(planes.shape[-2]), int(like.shape[-2])  # numbers in a trace too
    rows, factor = height // BANDS, finer // height
    if factor < 2 or height % BANDS or finer % height:
        return [(bring_to(planes, like), like)]
    # by the row at either end once more, as what lies beyond the border
    tall = torch.cat((planes[:, :, :1], planes, planes[:, :, -1:]), 2)
    size = (height + 2, like.shape[-1])
    wide = F.interpolate(tall, size=size, mode="bilinear", align_corners=False)
    between = _between_rows(rows, factor, like)
    cut = (wide[:, :, i * rows : (i + 1) * rows + 2] for i in range(BANDS))
    return [(between @ a, b) for a, b in zip(cut, like.split(rows * factor, 2), strict=True)]


def _between_rows(rows: int, factor: int, like: Tensor) -> Tensor:
    """Bilinear shares (rows x factor, rows + 2) of rows in finer ones, less one at each end."""
    line = torch.eye(rows + 2, dtype=like.dtype, device=like.device)[None]
    fine = F.interpolate(line, size=(rows + 2) * factor, mode="linear", align_corners=False)
    return fine[0, :, factor:-factor].T


def zone_prior(zones: Tensor, shares: Tensor) -> Tensor:
    """Log of each colour's share in the zones of each pixel, (B, 20, h, w).

    Args:
        zones: (B, 6, h, w), summing to 1.
        shares: (B, 20, 6), columns summing to 1.
    """
    # added last, so that a pixel of no zone has a finite logarithm too
    return (per_pixel(shares, zones) + LEAST_SHARE).log()


def picture_tones(gray: Tensor, fixed: float = 0.0) -> Tensor:
    """Luminance with two ends brought to -1 and 1, (B, 1, H, W).

    Args:
        fixed: 0 takes the picture's own 2nd and 98th percentile, 1 takes FIXED_ENDS, between them
            a mixture. Under the picture's own ends the ground decides how light the face becomes.
    """
    pixels = int(gray.shape[-2]) * int(gray.shape[-1])  # numbers in a trace too
    sample = gray.flatten(1)[:, :: max(1, pixels // 16384)].float()
    low, high = torch.quantile(sample, torch.tensor([0.02, 0.98], device=gray.device), dim=1)
    if fixed:
        darkest, brightest = (fixed * end for end in FIXED_ENDS)
        low, high = darkest + (1 - fixed) * low, brightest + (1 - fixed) * high
    low, span = low[:, None, None, None], (high - low).clamp_min(0.05)[:, None, None, None]
    return ((gray - low) / span * 2 - 1).clamp(-1.2, 1.2)


def palette_tones(palette: Tensor) -> Tensor:
    """Luma of each colour with the palette's darkest at -1 and its brightest at 1, (B, 20, 1)."""
    lumas = luma(palette, 2)
    low, high = lumas.amin(1, keepdim=True), lumas.amax(1, keepdim=True)
    return (lumas - low) / (high - low).clamp_min(0.05) * 2 - 1


def matched_tones(gray: Tensor, palette: Tensor, config: RTConfig) -> Tensor:
    """The picture's tones by a gamma that brings their mean towards the palette's, (B, 1, H, W).

    A picture's mean tone is the plain mean of its palette's tones plus 0.04 (correlation 0.84 over
    faces of all domains), so a light sketch's palette lightens a dark photo as a whole.

    Args:
        config: ``tone_match`` 0 leaves the tones, 1 matches the mean; with ``tone_fixed`` and
            ``tone_mean`` there is nearly one curve a palette, so that faces keep their order.
    """
    tones = (picture_tones(gray, config.tone_fixed) + 1) / 2
    if not config.tone_match:
        return tones * 2 - 1
    ours = mean_tone(tones, config.tone_mean).clamp(0.1, 0.9)
    theirs = ((palette_tones(palette).mean((1, 2)) + 1) / 2 + 0.04).clamp(0.1, 0.9)
    gamma = (theirs.log() / ours.log()).clamp(0.3, 3) ** config.tone_match
    # beyond the range (the outer 2 % of pixels) a power has no meaning, so they keep their distance
    inside = tones.clamp(1e-4, 1)
    return (inside ** gamma[:, None, None, None] + tones - tones.clamp(0, 1)) * 2 - 1


def mean_tone(tones: Tensor, constant: float) -> Tensor:
    """Mean over each picture of (B, 1, H, W), or ``constant`` where that is not 0, (B,)."""
    if constant:
        return tones.new_full(tones.shape[:1], constant)
    return tones.mean((1, 2, 3))


def to_luma(tones: Tensor, palette: Tensor) -> Tensor:
    """Tones -1..1 as luma between the palette's darkest and brightest colour, (B, 1, H, W)."""
    lumas = luma(palette, 2)
    low, high = lumas.amin(1)[:, :, None, None], lumas.amax(1)[:, :, None, None]
    return (tones + 1) / 2 * (high - low) + low


def colourfulness(palette: Tensor) -> Tensor:
    """Root mean square distance of the colours from their greys, (B, 1, 1, 1); 0 for a grey one."""
    chroma = (palette - luma(palette, 2)).square().mean((1, 2)) + 1e-12
    return chroma.sqrt()[:, None, None, None]
