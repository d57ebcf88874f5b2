"""Stage I: RT-Net learns to give a gray face back the colours of a palette (Eq. 1 to 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass
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
from hasnet_models.training.targets import pictures

SCORED = 16


@dataclass
class RTBatch:
    """X_S and X_Sg with the palettes to colour by: a picture's own where ``own`` is True.

    ``own_count`` is how many there are of them for each process, on average.
    """

    x_s: Tensor
    gray: Tensor
    own_palette: Tensor
    palette: Tensor
    own: Tensor
    own_count: float


class RTStage(GanStage):
    """Networks, optimisers and data of stage I; see :class:`hasnet_models.training.loop.Stage`."""

    name = "rt"
    label = "RT-Net"

    def __init__(self, preset: Preset, faces: FaceSet, val: FaceSet, runtime: Runtime) -> None:
        super().__init__(preset.rt_train, faces, val, runtime)
        self.preset = preset
        torch.manual_seed(self.config.seed)
        net = RTNet(preset.rt)
        d = PatchDiscriminator(self.config.d_widths, preset.rt.palette_colours)
        self.use(net, d, list(net.parameters()), list(d.parameters()))
        self.run_net, self.run_d = runtime.runner(self.net), runtime.runner(self.d)

    def advance(self) -> dict[str, Tensor]:
        """D, then G."""
        batch = self.draw(np.random.default_rng((self.config.seed, self.step_number)))
        fake = self.run_net(batch.gray, batch.palette)
        d_loss = losses.hinge_d(
            self.run_d(batch.x_s, batch.gray, batch.own_palette),
            self.run_d(fake.detach(), batch.gray, batch.palette),
        )
        self.d_opt.minimise(d_loss)
        with self.frozen_d():
            judged = self.run_d(fake, batch.gray, batch.palette)
            terms = {
                "huber": (
                    self.config.huber,
                    losses.huber(fake, batch.x_s, batch.own, batch.own_count),
                ),
                "adv": (self.config.adversarial, losses.hinge_g(judged)),
            }
            self.opt.minimise(losses.total(terms))
        return {**{name: loss for name, (_, loss) in terms.items()}, "d": d_loss}

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
        own = torch.from_numpy(rng.random(n) >= self.config.cross_palette)
        count = max(int(own.sum()), 1) / distributed.world()
        own = own.to(self.device)
        used = torch.where(own[:, None, None], palettes, palettes.roll(1, 0))
        keys = distributed.share(list(zip(indices, flips, strict=True)))
        seeds = [(self.config.seed, self.images + i) for i in range(n)]
        x_s = pictures(self.faces, keys, self.config.size, self.device)
        x_s = affine(x_s, self.config.affine, distributed.share(seeds))
        x_s = colour.jitter(x_s, *(distributed.share(m) for m in maps))
        mine = (distributed.share(rows) for rows in (palettes, used, own))
        return RTBatch(x_s, colour.lightness(x_s), *mine, count)

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
        keys = [(i, False) for i in chosen]
        x_s = pictures(self.val, keys, self.config.size, self.device)
        palettes = to_signed(self.val.palettes[chosen], self.device)
        found = self.ema.net(colour.lightness(x_s), palettes)
        own = torch.ones(len(chosen), device=self.device)
        return losses.huber(found, x_s, own).item()

    @torch.no_grad()
    def preview(self, people: int = 6, references: int = 9) -> np.ndarray:
        """Top row: references; left column: sources; cells: X_RT of the averaged net."""
        sources = faces_in_turn(self.val, people, "photo")
        refs = faces_in_turn(self.val, references)
        palettes = to_signed(self.val.palettes[refs], self.device)
        rows: list[list[np.ndarray | None]] = [[None, *self.val.images[refs]]]
        for i in sources:
            x = to_tensor(self.val.images[[i]], self.device)
            gray = colour.lightness(x).expand(len(refs), -1, -1, -1)
            rows.append([self.val.images[i], *to_pixels(self.ema.net(gray, palettes))])
        return sheet(rows, 128)
