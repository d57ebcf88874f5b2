"""Discriminators: a conditional PatchGAN for RT-Net, a StyleGAN-like one for TT-Net."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from hasnet_models.config.frozen import LOSS_LAYERS, layer_channels
from hasnet_models.palette import COLOURS
from hasnet_models.training import distributed

SLOPE = 0.2
LOSS_CHANNELS = tuple(map(layer_channels, LOSS_LAYERS))


class PatchDiscriminator(nn.Module):
    """PatchGAN that sees the picture, its gray version and the palette it should have."""

    def __init__(self, widths: tuple[int, ...], colours: int = COLOURS, code: int = 32) -> None:
        super().__init__()
        self.palette = nn.Sequential(
            nn.Linear(3 * colours, 128), nn.LeakyReLU(SLOPE), nn.Linear(128, code)
        )
        channels = (3 + 1 + code, *widths)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1) for a, b in itertools.pairwise(channels)
        )
        self.logit = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, image: Tensor, gray: Tensor, palette: Tensor) -> Tensor:
        """(B, 3, H, W), (B, 1, H, W), (B, 20, 3) -> patch logits (B, 1, h, w)."""
        code = self.palette(palette.flatten(1))[:, :, None, None]
        h = torch.cat((image, gray, code.expand(-1, -1, *image.shape[-2:])), 1)
        for conv in self.convs:
            h = F.leaky_relu(conv(h), SLOPE)
        return self.logit(h)


class Conv(nn.Conv2d):
    """Convolution with StyleGAN's equalised learning rate: unit weights and a run-time gain.

    With plain weights the same learning rate either starves the discriminator or throws it about.
    """

    def reset_parameters(self) -> None:
        """Normal weights, zero bias."""
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """(B, Cin, H, W) -> (B, Cout, H', W'), times ``gain``."""
        weight = self.weight * (gain / math.sqrt(self.weight[0].numel()))
        bias = self.bias if self.bias is None or gain == 1 else self.bias * gain
        return F.conv2d(x, weight, bias, padding=self.padding)


def activated(conv: Conv, h: Tensor, gain: float = math.sqrt(2)) -> Tensor:
    """Leaky ReLU of a convolution, which keeps the variance with this gain.

    A positive gain may as well be the weights': they are few, and the activations are not read and
    written for it.
    """
    return F.leaky_relu(conv(h, gain), SLOPE, inplace=True)


class Discriminators(nn.Module):
    """L_adv of stage II: what judges pictures, and where it is wanted what judges their features.

    Args:
        feature_width: channels of :class:`FeatureDiscriminator`; 0 for none.
    """

    def __init__(
        self, sizes: tuple[int, ...], widths: tuple[int, ...], domains: int, feature_width: int = 0
    ) -> None:
        super().__init__()
        self.picture = StyleDiscriminator(sizes, widths, domains)
        self.feature = FeatureDiscriminator(feature_width, domains) if feature_width else None

    def grown(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state of fewer sizes, or of other features, completed by what is new in this one."""
        start = "picture."
        older = {n[len(start) :]: t for n, t in state.items() if n.startswith(start)}
        if not older:
            return dict(state)  # of something else, which loading will say
        found = {start + n: t for n, t in self.picture.grown(older).items()}
        own = {n: t for n, t in self.state_dict().items() if not n.startswith(start)}
        kept = {n: state[n] for n, t in own.items() if n in state and state[n].shape == t.shape}
        return found | own | kept


class FeatureDiscriminator(nn.Module):
    """Judges VGG features of a picture, with patch logits for each domain (Sauer 2021)."""

    def __init__(self, width: int, domains: int, channels: tuple[int, ...] = LOSS_CHANNELS) -> None:
        super().__init__()
        self.heads = nn.ModuleList(FeatureHead(n, width, domains) for n in channels)

    def forward(self, features: Sequence[Tensor], domain: Tensor) -> Tensor:
        """Layers (B, C, h, w), fine to coarse, and (B,) int64 -> logits (B, layers, h, w)."""
        cells = features[-1].shape[-2:]
        logits = [head(f, cells) for head, f in zip(self.heads, features, strict=True)]
        rows = torch.arange(len(domain), device=domain.device)
        return torch.stack([maps[rows, domain] for maps in logits], 1)


class FeatureHead(nn.Module):
    """Judges one layer.

    Each place's features are brought to unit size, so that what counts is their pattern, and mixed
    by a fixed random projection, so that no few of them give the picture away. Spectral
    normalisation keeps it soft even where a domain has few pictures.
    """

    def __init__(self, inputs: int, width: int, domains: int) -> None:
        super().__init__()
        self.register_buffer("mix", torch.randn(width, inputs, 1, 1) / math.sqrt(inputs))
        self.fine = spectral_norm(nn.Conv2d(width, width, 3, padding=1))
        self.coarse = spectral_norm(nn.Conv2d(width, width, 3, padding=1))
        # no bias: while the hinge is open its gradient is nothing but rounding
        self.logit = spectral_norm(nn.Conv2d(width, domains, 1, bias=False))

    def forward(self, features: Tensor, cells: tuple[int, int]) -> Tensor:
        """(B, C, H, W) -> patch logits of all domains, (B, domains, *cells)."""
        size = (features.square().mean(1, keepdim=True) + 1e-4).sqrt()
        h = F.leaky_relu(self.fine(F.conv2d(features / size, self.mix)), SLOPE)
        h = F.adaptive_avg_pool2d(h, cells)
        return self.logit(F.leaky_relu(self.coarse(h), SLOPE))


class StyleDiscriminator(nn.Module):
    """Discriminator with one patch logit map a domain, which grows with the generator.

    Args:
        sizes: image sides it can take, coarse to fine, each twice the one before.
        widths: channels at the finest size first; one more than there are halvings.
        domains: number of domains.
    """

    def __init__(self, sizes: tuple[int, ...], widths: tuple[int, ...], domains: int) -> None:
        super().__init__()
        self.sizes = sizes
        finest = len(sizes) - 1
        self.entries = nn.ModuleList(Conv(3, widths[finest - i], 1) for i in range(len(sizes)))
        self.blocks = nn.ModuleList(Halving(a, b) for a, b in itertools.pairwise(widths))
        self.fade = nn.Parameter(torch.zeros(len(sizes)))
        last = widths[-1]
        self.mix = Conv(last + 1, last, 3, padding=1)
        self.logit = Conv(last, domains, 1)

    def forward(self, image: Tensor, domain: Tensor) -> Tensor:
        """(B, 3, S, S), (B,) int64 -> patch logits of that domain, (B, h, w)."""
        stage = self.sizes.index(image.shape[-1])
        start = len(self.sizes) - 1 - stage
        h = activated(self.entries[stage], image)
        for i, block in enumerate(self.blocks[start:]):
            h = block(h)
            if i == 0 and stage > 0:
                # a new finest size is faded in: its gate starts at zero, the coarser entry stays
                coarse = activated(self.entries[stage - 1], F.avg_pool2d(image, 2))
                h = coarse + self.fade[stage] * h
        deviation = distributed.share(minibatch_deviation(distributed.gather(h)))
        h = activated(self.mix, torch.cat((h, deviation), 1))
        logits = self.logit(h)
        return logits[torch.arange(len(logits), device=logits.device), domain]

    def grown(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state of a discriminator of fewer sizes, completed by this one's new finest blocks.

        The new sizes fade in as they do in a run that grows.
        """
        numbers = [int(name.split(".")[1]) for name in state if name.startswith("blocks.")]
        added = len(self.blocks) - len(set(numbers))
        if added <= 0:
            return dict(state)
        kept = {_moved(name, added): tensor for name, tensor in state.items()}
        kept["fade"] = torch.cat((state["fade"], state["fade"].new_zeros(added)))
        return {**self.state_dict(), **kept}


def _moved(name: str, by: int) -> str:
    """Name of a tensor when ``by`` blocks are put before the others."""
    block, number, rest = (*name.split(".", 2), "", "")[:3]
    return f"blocks.{int(number) + by}.{rest}" if block == "blocks" else name


class Halving(nn.Module):
    """3 x 3 convolution, average pooling, 3 x 3 convolution, with a skip; half the side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Conv(inputs, inputs, 3, padding=1)
        self.second = Conv(inputs, outputs, 3, padding=1)
        self.skip = Conv(inputs, outputs, 1, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        """(B, Cin, H, W) -> (B, Cout, H / 2, W / 2)."""
        inner = F.avg_pool2d(activated(self.first, h), 2)
        # the sum of both keeps the variance too: each has half of it
        return activated(self.second, inner, 1.0) + self.skip(F.avg_pool2d(h, 2), 0.5**0.5)


def minibatch_deviation(h: Tensor, groups: int = 4) -> Tensor:
    """Mean deviation over groups of the batch, one plane (B, 1, h, w) (Karras 2018)."""
    size = min(groups, len(h))
    if len(h) % size:
        size = len(h)
    grouped = h.reshape(size, -1, *h.shape[1:])
    # torch's var along the first axis takes 30 times as long on a CPU
    variance = (grouped - grouped.mean(0)).square().mean(0)
    deviation = (variance + 1e-8).sqrt().mean((1, 2, 3), keepdim=True)
    return deviation.repeat(size, 1, 1, 1).expand(-1, -1, *h.shape[-2:])
