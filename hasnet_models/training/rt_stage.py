"""Stage I: RT-Net learns to give a gray face back the colours of a palette (Eq. 1 to 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hasnet_models.config.build import to_dict
from hasnet_models.config.schema import Preset
from hasnet_models.data.faces import FaceSet
from hasnet_models.networks import colour
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tensors import to_pixels, to_signed, to_tensor
from hasnet_models.sheet import sheet
from hasnet_models.training import distributed, losses
from hasnet_models.training.augment import affine
from hasnet_models.training.discriminators import PatchDiscriminator
from hasnet_models.training.draws import faces_in_turn, one_of
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.stage import GanStage
from hasnet_models.training.targets import Key, fractions, pictures

SCORED = 16


@dataclass
class RTBatch:
    """X_S and X_Sg with the palettes to colour by: a picture's own where ``own`` is True.

    ``own_count`` is how many there are of them for each process, on average; ``cross_count`` how
    many of the others.
    """

    x_s: Tensor
    gray: Tensor
    own_palette: Tensor
    palette: Tensor
    own: Tensor
    own_count: float
    cross_count: float
    place: RTPlace | None


@dataclass
class RTPlace:
    """Where things are, for an RT-Net with zones.

    ``zones`` (B, 6, 32, 32) of X_S, ``shares`` (B, 20, 6) of the palette to colour by, and the
    picture and zones that the palette comes from.
    """

    zones: Tensor
    shares: Tensor
    reference: Tensor
    reference_zones: Tensor

    @property
    def inputs(self) -> tuple[Tensor, Tensor]:
        """What RT-Net is given."""
        return self.zones, self.shares


class RTStage(GanStage):
    """Networks, optimisers and data of stage I; see :class:`hasnet_models.training.loop.Stage`."""

    name = "rt"
    label = "RT-Net"

    def __init__(self, preset: Preset, faces: FaceSet, val: FaceSet, runtime: Runtime) -> None:
        # in plain torch on a CPU too: the quicker ways of stage II make its step slower
        super().__init__(preset.rt_train, faces, val, replace(runtime, quick=()))
        self.preset = preset
        torch.manual_seed(self.config.seed)
        net = RTNet(preset.rt)
        d = PatchDiscriminator(self.config.d_widths, preset.rt.palette_colours)
        self.use(net, d, list(net.parameters()), list(d.parameters()))
        self.run_net, self.run_d = self.runtime.runner(self.net), self.runtime.runner(self.d)

    def advance(self) -> dict[str, Tensor]:
        """D, then G."""
        batch = self.draw(np.random.default_rng((self.config.seed, self.step_number)))
        fake = self.run_net(batch.gray, batch.palette, *(batch.place.inputs if batch.place else ()))
        d_loss = losses.hinge_d(
            self.run_d(batch.x_s, batch.gray, batch.own_palette),
            self.run_d(fake.detach(), batch.gray, batch.palette),
        )
        self.d_opt.minimise(d_loss)
        with self.frozen_d():
            terms = self._terms(batch, fake)
            self.opt.minimise(losses.total(terms))
        return {**{name: loss for name, (_, loss) in terms.items()}, "d": d_loss}

    def _terms(self, batch: RTBatch, fake: Tensor) -> dict[str, tuple[float, Tensor]]:
        """G's losses with their weights."""
        c, place = self.config, batch.place
        judged = self.run_d(fake, batch.gray, batch.palette)
        terms = {
            "huber": (c.huber, losses.huber(fake, batch.x_s, batch.own, batch.own_count)),
            "adv": (c.adversarial, losses.hinge_g(judged)),
        }
        if place and c.zone:
            pictures_of = (fake, place.zones, place.reference, place.reference_zones)
            zone = losses.zone_colours(*pictures_of, ~batch.own, batch.cross_count)
            terms["zone"] = (c.zone, zone)
        return terms

    def draw(self, rng: np.random.Generator) -> RTBatch:
        """This process's share of a batch; domains are drawn by the square root of their size."""
        n = self.config.batch * distributed.world()
        names = list(self.faces.by_domain)
        weights = np.sqrt([len(self.faces.by_domain[d]) for d in names])
        chosen = rng.choice(len(names), n, p=weights / weights.sum())
        indices = [one_of(rng, self.faces.by_domain[names[c]]) for c in chosen]
        flips = (rng.random(n) < 0.5).tolist()
        maps = self._maps(rng, n)
        palettes = to_signed(self.faces.palettes[indices], self.device)
        palettes = colour.jitter(palettes, *maps, dim=2)
        own = rng.random(n) >= self.config.cross_palette
        # whose palette each picture is coloured by: its own, or that of the one before it
        giver = np.where(own, np.arange(n), np.roll(np.arange(n), 1))
        drawn = _Draws(list(zip(indices, flips, strict=True)), maps, self.images)
        mine = distributed.share(np.arange(n))
        x_s = self._pictures(drawn, mine)
        counts = (max(int(v.sum()), 1) / distributed.world() for v in (own, ~own))
        return RTBatch(
            x_s,
            colour.lightness(x_s),
            palettes[mine],
            palettes[giver[mine]],
            torch.from_numpy(own[mine]).to(self.device),
            *counts,
            self._place(drawn, mine, giver[mine]) if self.preset.rt.zones else None,
        )

    def _pictures(self, drawn: _Draws, rows: np.ndarray) -> Tensor:
        """Some pictures of the joint batch, with moved places and colours."""
        keys, seeds = drawn.at(rows, self.config.seed)
        x = pictures(self.faces, keys, self.config.size, self.device)
        x = affine(x, self.config.affine, seeds)
        return colour.jitter(x, *(m[rows] for m in drawn.maps))

    def _zones(self, drawn: _Draws, rows: np.ndarray) -> Tensor:
        """The zones of :meth:`_pictures`."""
        keys, seeds = drawn.at(rows, self.config.seed)
        zones = fractions(self.faces.vectors["zones"], keys, self.device)
        return affine(zones, self.config.affine, seeds)

    def _place(self, drawn: _Draws, rows: np.ndarray, givers: np.ndarray) -> RTPlace:
        shares = self.faces.vectors["shares"][[drawn.keys[i][0] for i in givers]]
        shares = torch.from_numpy(shares).to(self.device)
        from_givers = self._pictures(drawn, givers), self._zones(drawn, givers)
        return RTPlace(self._zones(drawn, rows), shares, *from_givers)

    def _maps(self, rng: np.random.Generator, n: int) -> tuple[Tensor, Tensor, Tensor]:
        on = (rng.random(n) < 0.5 * self.config.colour_jitter).astype(np.float32)
        hue = on * rng.uniform(-math.pi, math.pi, n)
        saturation = 1 + on * (rng.uniform(0, 1.6, n) - 1)
        gamma = np.exp(on * rng.uniform(-0.4, 0.4, n))
        values = np.stack((hue, saturation, gamma)).astype(np.float32)
        return tuple(torch.from_numpy(values).to(self.device))

    def configuration(self) -> dict[str, Any]:
        """The tables of the preset that this stage depends on."""
        return {"rt": to_dict(self.preset.rt), "rt_train": self.training_table()}

    @torch.no_grad()
    def score(self) -> float | None:
        """Eq. 4 of the averaged net on validation faces with their own palettes."""
        chosen = faces_in_turn(self.val, SCORED)
        x_s = pictures(self.val, [(i, False) for i in chosen], self.config.size, self.device)
        found = self._recoloured(colour.lightness(x_s), chosen, chosen)
        own = torch.ones(len(chosen), device=self.device)
        return losses.huber(found, x_s, own).item()

    @torch.no_grad()
    def preview(self, people: int = 6, references: int = 9) -> np.ndarray:
        """Top row: references; left column: sources; cells: X_RT of the averaged net."""
        sources = faces_in_turn(self.val, people, "photo")
        refs = faces_in_turn(self.val, references)
        rows: list[list[np.ndarray | None]] = [[None, *self.val.images[refs]]]
        for i in sources:
            x = to_tensor(self.val.images[[i]], self.device)
            gray = colour.lightness(x).expand(len(refs), -1, -1, -1)
            found = self._recoloured(gray, [i] * len(refs), refs)
            rows.append([self.val.images[i], *to_pixels(found)])
        return sheet(rows, 128)

    def _recoloured(
        self, gray: Tensor, sources: Sequence[int], references: Sequence[int]
    ) -> Tensor:
        """X_RT of the averaged net for validation faces."""
        palettes = to_signed(self.val.palettes[references], self.device)
        if not self.preset.rt.zones:
            return self.ema.net(gray, palettes)
        keys = [(i, False) for i in sources]
        zones = fractions(self.val.vectors["zones"], keys, self.device)
        shares = torch.from_numpy(self.val.vectors["shares"][references]).to(self.device)
        return self.ema.net(gray, palettes, zones, shares)


@dataclass
class _Draws:
    """A joint batch before any picture is read: faces, colour maps, the number of the first."""

    keys: list[Key]
    maps: tuple[Tensor, Tensor, Tensor]
    first: int

    def at(self, rows: np.ndarray, seed: int) -> tuple[list[Key], list[tuple[int, int]]]:
        """Faces of some rows, and what their affine maps are functions of."""
        return [self.keys[i] for i in rows], [(seed, self.first + int(i)) for i in rows]
