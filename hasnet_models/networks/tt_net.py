"""TT-Net: redraws the content of X_RT under the reference's identity z_id (paper III-B)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hasnet_models.config.schema import TTConfig
from hasnet_models.networks.colour import luma
from hasnet_models.networks.filters import flat, guided
from hasnet_models.networks.rt_net import area, bring_to
from hasnet_models.networks.ttm import SLOPE, TTM, ToOutput
from hasnet_models.networks.warp import warp

T = TypeVar("T", bound=Tensor)
GATE_START = 0.4
# the flow's convolution starts at zero and answers to hundreds of inputs: without a gain the first
# steps of training would already tear the face
FLOW_GAIN = 0.03
CODE_SCALE = 0.3
# share of the residual that the ground behind a person gets: the coarse resolutions leave blotches
GROUND_SHARE = 0.1


class TTNet(nn.Module):
    """X_TT = TT-Net(VGG(X_RT), z_id): two TTMs a resolution, RGB summed over the resolutions.

    With ``residual`` the sum is added to X_RT, a learned gate choosing for each pixel how much of
    X_RT's own fine detail is kept.
    """

    def __init__(self, config: TTConfig) -> None:
        super().__init__()
        self.config = config
        c = config
        self.mapping = nn.Sequential(
            nn.Linear(c.z_dim + len(c.domains), c.w_dim),
            nn.LeakyReLU(SLOPE),
            nn.Linear(c.w_dim, c.w_dim),
            nn.LeakyReLU(SLOPE),
        )
        self.content = nn.Conv2d(c.content_channels, c.widths[0], 1)
        inputs = (c.widths[0], *c.widths[:-1])
        self.blocks = nn.ModuleList(
            Resolution(c, a, b, number=i)
            for i, (a, b) in enumerate(zip(inputs, c.widths, strict=True))
        )
        self.flow = nn.Conv2d(c.widths[min(1, len(c.widths) - 1)], 2, 3, padding=1)
        nn.init.zeros_(self.flow.weight)
        nn.init.zeros_(self.flow.bias)
        with torch.no_grad():
            self.blocks[0].output.bias[3] = math.log(GATE_START / (1 - GATE_START))

    def forward(
        self,
        x_rt: Tensor,
        content: Mapping[str, Tensor],
        z_id: Tensor,
        code: Tensor | None = None,
        size: int | None = None,
        person: Tensor | None = None,
    ) -> Tensor:
        """Redraw faces.

        Args:
            x_rt: (B, 3, S, S) in -1..1; S may be any size from ``size`` up.
            content: VGG features by layer name, as :func:`content_features` gives them.
            z_id: (B, z_dim) of unit length.
            code: (B, len(domains)) one-hot domain code; zeros or None where the domain is unknown.
            size: side of the finest resolution that runs; the configuration's finest by default.
            person: (B, 1, h, w), 1 on the person and 0 on the ground and what else is to stay,
                where with ``residual`` only GROUND_SHARE of it is added; None adds all of it
                everywhere.

        Returns:
            X_TT, (B, 3, S, S), about -1..1 (not clamped).
        """
        return self.parts(x_rt, content, z_id, code, size, person)["x_tt"]

    def parts(
        self,
        x_rt: Tensor,
        content: Mapping[str, Tensor],
        z_id: Tensor,
        code: Tensor | None = None,
        size: int | None = None,
        person: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """As :meth:`forward`, with ``gate`` (B, 1, S, S) and ``flow`` (B, 2, h, w) beside it.

        This flow is in half frames, as ``config.displacement`` is.
        """
        w = self.style(z_id, code)
        h = self.content(content[self.config.content_layer])
        # the blocks need no more than their own size of it
        total, flow, warped, seen = None, None, x_rt, x_rt
        for side, block in zip(self.config.resolutions, self.blocks, strict=True):
            if side > (size or self.config.finest):
                break
            h = block(h, w, seen, content)
            if flow is None and (side > self.config.grid or len(self.blocks) == 1):
                flow = (self.flow(h) * FLOW_GAIN).tanh() * self.config.displacement
                warped = warp(x_rt, flow / 2) if self.config.displacement else x_rt
                seen = area(warped, min(size or self.config.finest, self.config.finest))
            out = block.output(h, w)
            total = out if total is None else out + bring_to(total, out)
        enlarged = guided(total, luma(warped)) if self.config.guided else bring_to(total, x_rt)
        rgb, logit = enlarged.split((3, 1), 1)
        gate = logit.sigmoid()
        if not self.config.residual:
            return {"x_tt": rgb, "gate": gate, "flow": flow}
        if person is not None:
            rgb = rgb * bring_to(GROUND_SHARE + (1 - GROUND_SHARE) * person, rgb)
        base = self.base(warped, gate)
        x_tt = in_own_hue(base, rgb) if self.config.own_hue else base + rgb
        return {"x_tt": x_tt, "gate": gate, "flow": flow}

    def style(self, z_id: Tensor, code: Tensor | None) -> Tensor:
        """w, (B, w_dim), from the identity and the domain code."""
        z = z_id * math.sqrt(self.config.z_dim)
        if self.config.domains:
            if code is None:
                code = z.new_zeros(z.shape[0], len(self.config.domains))
            z = torch.cat((z, code * (CODE_SCALE * math.sqrt(self.config.z_dim))), 1)
        return self.mapping(z)

    def base(self, x_rt: Tensor, gate: Tensor) -> Tensor:
        """gate * plain + (1 - gate) * X_RT: where the gate opens, detail is redrawn.

        ``plain`` is X_RT blurred or, with the flat base, smoothed between its edges: a network
        that must draw every edge anew leaves soft faces, the flat base leaves it the strokes.
        """
        if self.config.base == "flat":
            return flat(x_rt, gate)
        coarse = F.adaptive_avg_pool2d(x_rt, self.config.blur_grid)
        return gate * bring_to(coarse, x_rt) + (1 - gate) * x_rt

    def domain_code(self, name: str | None, batch: int = 1) -> Tensor:
        """One-hot code (batch, len(domains)) of a domain; zeros for a name it was not taught."""
        code = torch.zeros(batch, len(self.config.domains))
        if name in self.config.domains:
            code[:, self.config.domains.index(name)] = 1
        return code


class Resolution(nn.Module):
    """The two TTMs of one resolution, with the gated skip that enters it and its output planes.

    Args:
        number: 0 for the coarsest, which no skip enters; a finer VGG layer enters the next.
    """

    def __init__(self, c: TTConfig, inputs: int, width: int, number: int) -> None:
        super().__init__()
        first, second = (
            {"norm": c.norm, "noise": c.noise, "number": 2 * number + i} for i in range(2)
        )
        self.enter = TTM(inputs, width, c.w_dim, upsample=number > 0, **first)
        self.refine = TTM(width, width, c.w_dim, upsample=False, **second)
        self.output = ToOutput(width, 4, c.w_dim, 0.1 if c.residual else 1.0)
        self.skip = GatedSkip(c, width, number == 1) if number and c.skips else None

    def forward(self, h: Tensor, w: Tensor, x_rt: Tensor, content: Mapping[str, Tensor]) -> Tensor:
        """(B, Cin, h, w) -> (B, width, 2h, 2w); the first resolution keeps its side."""
        h = self.enter(h, w)
        if self.skip is not None:
            h = self.skip(h, x_rt, content)
        return self.refine(h, w)


class GatedSkip(nn.Module):
    """Lets X_RT, and at one resolution a finer VGG layer, into the features through a gate."""

    def __init__(self, c: TTConfig, width: int, fine_vgg: bool) -> None:
        super().__init__()
        self.layer = c.skip_layer if fine_vgg else None
        self.vgg = nn.Conv2d(c.skip_channels, width, 1) if fine_vgg else None
        self.rgb = nn.Conv2d(3, width, 3, padding=1)
        self.gate = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, h: Tensor, x_rt: Tensor, content: Mapping[str, Tensor]) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        skip = self.rgb(area(x_rt, h.shape[-1]))
        if self.vgg is not None:
            skip = skip + bring_to(self.vgg(content[self.layer]), h)
        return torch.addcmul(h, self.gate(h).sigmoid(), skip)


def in_own_hue(base: Tensor, rgb: Tensor) -> Tensor:
    """``base`` + ``rgb`` with every pixel's hue kept: colours are RT-Net's, from the reference.

    The grey part of the residual changes the luminance. The rest is projected on the pixel's own
    chroma, so it makes the colour stronger (at most twice) or paler (down to grey), never another.
    Both (B, 3, S, S).
    """
    grey, added = luma(base), luma(rgb)
    chroma = base - grey
    along = ((rgb - added) * chroma).sum(1, keepdim=True)
    strength = along / (chroma.square().sum(1, keepdim=True) + 0.01)
    return grey + added + chroma * (1 + strength.clamp(-1, 1))


def content_features(vgg: nn.Module, x_rt: Tensor, config: TTConfig) -> dict[str, Tensor]:
    """VGG features of X_RT that TT-Net starts from: Con0, and the skip's layer where it is used.

    Args:
        vgg: a :class:`hasnet_models.networks.vgg.VGGFeatures`.
        x_rt: (B, 3, S, S) in -1..1.
    """
    found = vgg(area(x_rt, config.content_size), content_layers(config))
    if config.content_pool > 1:
        found = {n: F.avg_pool2d(f, config.content_pool) for n, f in found.items()}
    return {n: f / config.content_scale for n, f in found.items()}


def content_layers(config: TTConfig) -> tuple[str, ...]:
    """Names of the VGG layers that TT-Net starts from, the finer one of its skips first."""
    deepest = (config.content_layer,)
    return (config.skip_layer, *deepest) if config.skips else deepest


def head_tensors(
    state: Mapping[str, T], resolutions: Sequence[int], from_size: int
) -> dict[str, T]:
    """What a domain's head holds: the tensors of the blocks from ``from_size`` px up; all for 0."""
    kept = [f"blocks.{i}." for i, side in enumerate(resolutions) if side >= from_size]
    return {n: t for n, t in state.items() if not from_size or n.startswith(tuple(kept))}
