"""The losses, one function an equation. Images are in -1..1, z_ids have unit length."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.networks.colour import luma
from hasnet_models.networks.rt_net import bring_to
from hasnet_models.training.augment import face_window
from hasnet_models.training.contextual import contextual_similarity

TONE_MARGIN, TONE_UNEVEN = 0.25, 0.1
# of skin, lips, eyes, hair, below, rest
ZONE_WEIGHTS = (1.0, 0.7, 0.3, 0.6, 0.3, 0.3)
LEAST_ZONE = 0.004  # share of a picture below which a zone is left out
SPREAD_WEIGHT, SPREAD_SHARE = 1.5, 0.8


def total(terms: Mapping[str, tuple[float, Tensor]]) -> Tensor:
    """Eq. 5 (stage I) and Eq. 11 (stage II): the sum of (weight, loss) pairs."""
    return sum(weight * loss for weight, loss in terms.values())


def huber(x_rt: Tensor, x_s: Tensor, own: Tensor, count: float | None = None) -> Tensor:
    """Eq. 4: Huber distance, over the samples that were coloured by their own palette.

    Args:
        own: (B,) bool.
        count: what to divide by; how many are True, where None. Several processes divide by
            their joint count over their number, so that their mean is that of the joint batch.
    """
    each = F.huber_loss(x_rt, x_s, reduction="none").mean((1, 2, 3))
    return (each * own).sum() / (own.sum().clamp_min(1) if count is None else count)


def zone_colours(
    x_rt: Tensor,
    zones: Tensor,
    reference: Tensor,
    reference_zones: Tensor,
    counted: Tensor,
    count: float | None = None,
) -> Tensor:
    """How far each zone's colour is from that of the reference's zone.

    The L1 distance of the mean chroma, and SPREAD_WEIGHT times how far its spread exceeds
    SPREAD_SHARE of the reference's (patches), weighted over the zones that both pictures have.

    Args:
        x_rt, reference: (B, 3, S, S).
        zones, reference_zones: (B, 6, h, w), each summing to 1.
        counted: (B,) bool; the other samples count as zero.
        count: as for :func:`huber`.
    """
    mean, spread, size = zone_chroma(x_rt, zones)
    aim, aim_spread, aim_size = zone_chroma(reference, reference_zones)
    excess = F.relu(spread - SPREAD_SHARE * aim_spread)
    cost = (mean - aim).abs().mean(2) + SPREAD_WEIGHT * excess
    there = torch.minimum(size, aim_size) >= LEAST_ZONE
    weights = x_rt.new_tensor(ZONE_WEIGHTS) * there
    each = (cost * weights).sum(1) / weights.sum(1).clamp_min(1e-6)
    return (each * counted).sum() / (counted.sum().clamp_min(1) if count is None else count)


def zone_chroma(x: Tensor, zones: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean chroma (B, 6, 3), its spread (B, 6) and the share of the picture (B, 6) of each zone.

    Chroma is RGB less its luma; the spread is its root mean square distance from the mean.
    """
    maps, chroma = bring_to(zones, x).flatten(2), (x - luma(x)).flatten(2)
    size = maps.mean(2)
    shares = maps / maps.sum(2, keepdim=True).clamp_min(1e-6)
    mean = torch.einsum("bzp,bcp->bzc", shares, chroma)
    square = torch.einsum("bzp,bcp->bzc", shares, chroma.square())
    variance = (square - mean.square()).mean(2)
    return mean, variance.clamp_min(1e-6).sqrt(), size


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """Discriminator part of L_adv in Eq. 5, hinge form."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_g(fake: Tensor) -> Tensor:
    """Generator part of L_adv in Eq. 5, hinge form."""
    return -fake.mean()


def logistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """Discriminator part of L_adv in Eq. 11, StyleGAN's non-saturating form."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def logistic_g(fake: Tensor) -> Tensor:
    """Generator part of L_adv in Eq. 11, StyleGAN's non-saturating form."""
    return F.softplus(-fake).mean()


def r1_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Half the squared norm of the discriminator's gradient at real images (Mescheder 2018)."""
    gradient = torch.autograd.grad(logits.mean((1, 2)).sum(), images, create_graph=True)[0]
    return 0.5 * gradient.square().sum((1, 2, 3)).mean()


def reconstruction(x_tt: Tensor, x_s: Tensor, same: Tensor) -> Tensor:
    """Eq. 7: half the mean squared error where source and reference are the same image.

    Args:
        same: (B,) bool; the other samples count as zero.
    """
    return 0.5 * ((x_tt - x_s).square().mean((1, 2, 3)) * same).mean()


def identity(z_tt: Tensor, z_r: Tensor) -> Tensor:
    """Eq. 8: 1 - cos of the identities of result and reference, both (B, D)."""
    return (1 - F.cosine_similarity(z_tt, z_r)).mean()


def contextual(x: Mapping[str, Tensor], y: Mapping[str, Tensor], bandwidth: float = 0.5) -> Tensor:
    """Eq. 9 (L_SCX) and Eq. 10 (L_CCX): -log CX summed over the VGG layers of ``x``.

    Args:
        y: features of the reference for Eq. 9, of the source for Eq. 10.
    """
    each = [-contextual_similarity(x[n], y[n], bandwidth).clamp_min(1e-8).log() for n in x]
    return torch.stack(each).sum(0).mean()


def paired(x_tt: Tensor, target: Tensor, has_pair: Tensor) -> Tensor:
    """L1 at half resolution to a picture of the same person in the reference's domain.

    Args:
        has_pair: (B,) bool; the other samples count as zero.
    """
    half = F.avg_pool2d(x_tt - target, 2).abs().mean((1, 2, 3))
    return (half * has_pair).mean()


def tone(x_tt: Tensor, x_rt: Tensor, mixed: Tensor, cells: int = 8) -> Tensor:
    """How far the face's colour leaves X_RT's, over cells of 1/``cells`` of the side.

    The references of a domain may all be pale; the skin is X_RT's all the same. For nothing, the
    face as a whole may become lighter or darker by TONE_MARGIN, and its cells by TONE_UNEVEN more
    or less than the whole; the colour may not change.

    Args:
        mixed: (B,) bool; the other samples count as zero.
    """
    window = face_window(cells, x_tt.device)
    window = window / window.sum()
    change = F.adaptive_avg_pool2d(x_tt - x_rt, cells)
    grey = luma(change)
    whole = (grey * window).sum((2, 3), keepdim=True)
    cost = F.relu(whole.abs() - TONE_MARGIN).square()
    cost = cost + F.relu((grey - whole).abs() - TONE_UNEVEN).square()
    cost = cost + (change - grey).square().mean(1, keepdim=True)
    return ((cost * window).sum((1, 2, 3)) * mixed).mean()


def smoothness(flow: Tensor) -> Tensor:
    """Mean squared difference of neighbouring displacements, flow (B, 2, h, w)."""
    dx, dy = flow.diff(dim=3), flow.diff(dim=2)
    return dx.square().mean() + dy.square().mean()
