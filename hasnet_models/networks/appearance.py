"""A reference's own colours where they lie on its face, laid over X_RT (Guo and Sim 2009)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hasnet_models.networks.colour import from_lab, luma, to_lab
from hasnet_models.networks.rt_net import bring_to
from hasnet_models.topology.strength import CHROMA, PATTERN

# cells a side that broad luminance is averaged over; a cell with less face than this has no say
TONE_CELLS, LEAST_AREA = 8, 0.05


def lay(
    x_rt: Tensor,
    face: Tensor,
    mask: Tensor,
    chroma: float | Tensor = CHROMA,
    pattern: float | Tensor = PATTERN,
) -> Tensor:
    """Lay the appearance of a reference's face over a picture, in Lab.

    Chroma goes to the reference's; of its lightness only the pattern is added, less its mean over
    the mask, so that dark skin stays dark.

    Args:
        x_rt: (B, 3, S, S) in -1..1, already in the shape that the face shall have.
        face: (B, 3, h, w) in -1..1, the reference's face brought to the frame of ``x_rt``.
        mask: (B, 1, h, w) in 0..1, where the face is; all 0 leaves that picture as it is.
        chroma: how far the chroma goes, 0..1, or (B, 1, 1, 1).
        pattern: factor on the pattern of the lightness, likewise.

    Returns:
        (B, 3, S, S) in -1..1.
    """
    here = (..., *extent(bring_to(mask, x_rt)))
    out = x_rt.clone()
    out[here] = laid(x_rt, face, mask, chroma, pattern, here)
    return out


def laid(
    x_rt: Tensor,
    face: Tensor,
    mask: Tensor,
    chroma: float | Tensor,
    pattern: float | Tensor,
    here: tuple[Any, ...] = (...,),
) -> Tensor:
    """As :func:`lay`, only the part ``here`` of it, which must hold all of the mask."""
    m = bring_to(mask, x_rt)[here]
    l_x, ab_x = to_lab(x_rt[here]).split((1, 2), 1)
    l_r, ab_r = bring_to(to_lab(face), x_rt)[here].split((1, 2), 1)
    ab = ab_x + chroma * m * (ab_r - ab_x)
    light = l_x + pattern * m * (l_r - mean_over(l_r, m))
    return from_lab(torch.cat((light, ab), 1))


def extent(mask: Tensor) -> tuple[slice, slice]:
    """Rows and columns where a mask (B, 1, H, W) is not 0: Lab is dear, and a face a third."""
    used = [mask.amax(axes) > 0 for axes in ((0, 1, 3), (0, 1, 2))]
    ends = [line.nonzero().flatten().tolist() or [0, -1] for line in used]
    return slice(ends[0][0], ends[0][-1] + 1), slice(ends[1][0], ends[1][-1] + 1)


def keep_tone(x_tt: Tensor, x_rt: Tensor, mask: Tensor, share: float) -> Tensor:
    """Bring a face's broad luminance back to what it was before TT-Net.

    Where the pictures of a domain are pale, TT-Net pales dark skin. Luma averaged over cells of the
    face is brought back, so that strokes, lines and catch lights within a cell stay.

    Args:
        x_tt: (B, 3, S, S) in -1..1, what TT-Net made of it.
        x_rt: (B, 3, S, S), what it was made of.
        mask: (B, 1, h, w) in 0..1, where the face is.
        share: 0 leaves the picture as it is, 1 brings all of it back.

    Returns:
        (B, 3, S, S), about -1..1.
    """
    m = bring_to(mask, x_tt)
    lost = F.adaptive_avg_pool2d((luma(x_rt) - luma(x_tt)) * m, TONE_CELLS)
    area = F.adaptive_avg_pool2d(m, TONE_CELLS)
    return x_tt + m * bring_to(share * lost / area.clamp_min(LEAST_AREA), x_tt)


def mean_over(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``x`` (B, C, H, W) weighted by ``mask`` (B, 1, H, W), (B, C, 1, 1)."""
    total = mask.sum((2, 3), keepdim=True).clamp_min(1e-6)
    return (x * mask).sum((2, 3), keepdim=True) / total
