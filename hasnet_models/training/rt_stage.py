"""Stage I: RT-Net learns to give a gray face back the colours of a palette (Eq. 1 to 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hasnet_models import colour
from hasnet_models.config import Preset, to_dict
from hasnet_models.rt_net import RTNet
from hasnet_models.training import losses
from hasnet_models.training.discriminators import PatchDiscriminator
from hasnet_models.training.ema import EMA
from hasnet_models.training.faces import FaceSet
from hasnet_models.training.sheet import sheet, to_bytes


@dataclass
class RTBatch:
    """X_S and X_Sg with the palettes to colour by: a picture's own where ``own`` is True."""

    x_s: Tensor
    gray: Tensor
    own_palette: Tensor
    palette: Tensor
    own: Tensor


class RTStage:
    """Networks, optimisers and data of stage I; see :class:`hasnet_models.training.loop.Stage`."""

    name = "rt"

    def __init__(self, preset: Preset, faces: FaceSet, val: FaceSet, device: torch.device) -> None:
        self.preset, self.faces, self.val, self.device = preset, faces, val, device
        self.config = preset.rt_train
        torch.manual_seed(self.config.seed)
        self.net = RTNet(preset.rt).to(device)
        self.d = PatchDiscriminator(self.config.d_widths, preset.rt.palette_colours).to(device)
        self.ema = EMA(self.net, self.config.ema)
        betas = (self.config.beta1, self.config.beta2)
        self.opt = torch.optim.Adam(self.net.parameters(), self.config.lr, betas)
        self.d_opt = torch.optim.Adam(self.d.parameters(), self.config.d_lr, betas)
        self.step_number = 0
        self.images = 0

    def step(self) -> dict[str, float]:
        """One batch: D, then G; all randomness follows from (seed, step)."""
        batch = self.draw(np.random.default_rng((self.config.seed, self.step_number)))
        fake = self.net(batch.gray, batch.palette)
        d_loss = losses.hinge_d(
            self.d(batch.x_s, batch.gray, batch.own_palette),
            self.d(fake.detach(), batch.gray, batch.palette),
        )
        optimise(self.d_opt, d_loss)
        huber = losses.huber(fake, batch.x_s, batch.own)
        self.d.requires_grad_(False)
        adversarial = losses.hinge_g(self.d(fake, batch.gray, batch.palette))
        loss = self.config.huber * huber + self.config.adversarial * adversarial
        optimise(self.opt, loss)
        self.d.requires_grad_(True)
        self.ema.update(self.net, self.step_number)
        self.step_number += 1
        self.images += len(fake)
        return {"huber": huber.item(), "adv": adversarial.item(), "d": d_loss.item()}

    def draw(self, rng: np.random.Generator) -> RTBatch:
        """A batch; domains are drawn by the square root of their size."""
        n = self.config.batch
        names = list(self.faces.by_domain)
        weights = np.sqrt([len(self.faces.by_domain[d]) for d in names])
        chosen = rng.choice(len(names), n, p=weights / weights.sum())
        indices = [int(rng.choice(self.faces.by_domain[names[c]])) for c in chosen]
        flips = rng.random(n) < 0.5
        pictures = [self.faces.images[i] for i in indices]
        pictures = [p[:, ::-1] if f else p for p, f in zip(pictures, flips, strict=True)]
        x_s = from_bytes(np.stack(pictures), self.device).permute(0, 3, 1, 2)
        palettes = from_bytes(self.faces.palettes[indices], self.device)
        maps = self._maps(rng, n)
        x_s, palettes = colour.jitter(x_s, *maps), colour.jitter(palettes, *maps, dim=2)
        own = torch.from_numpy(rng.random(n) >= self.config.cross_palette).to(self.device)
        used = torch.where(own[:, None, None], palettes, palettes.roll(1, 0))
        return RTBatch(x_s, colour.lightness(x_s), palettes, used, own)

    def _maps(self, rng: np.random.Generator, n: int) -> tuple[Tensor, Tensor, Tensor]:
        on = (rng.random(n) < 0.5 * self.config.colour_jitter).astype(np.float32)
        hue = on * rng.uniform(-math.pi, math.pi, n)
        saturation = 1 + on * (rng.uniform(0, 1.6, n) - 1)
        gamma = np.exp(on * rng.uniform(-0.4, 0.4, n))
        values = np.stack((hue, saturation, gamma)).astype(np.float32)
        return tuple(torch.from_numpy(values).to(self.device))

    def state(self) -> dict[str, Any]:
        """Networks, optimisers and counters."""
        return {
            "net": self.net.state_dict(),
            "ema": self.ema.net.state_dict(),
            "d": self.d.state_dict(),
            "opt": self.opt.state_dict(),
            "d_opt": self.d_opt.state_dict(),
            "step": self.step_number,
            "images": self.images,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        for part in ("net", "d", "opt", "d_opt"):
            getattr(self, part).load_state_dict(state[part])
        self.ema.net.load_state_dict(state["ema"])
        self.step_number, self.images = state["step"], state["images"]

    def configuration(self) -> dict[str, Any]:
        """The tables of the preset that this stage depends on."""
        return {"rt": to_dict(self.preset.rt), "rt_train": to_dict(self.config)}

    @torch.no_grad()
    def preview(self, people: int = 6, references: int = 9) -> np.ndarray:
        """Top row: references; left column: sources; cells: X_RT of the averaged net."""
        sources, refs = spread(self.val, people, "photo"), spread(self.val, references)
        palettes = from_bytes(self.val.palettes[refs], self.device)
        rows: list[list[np.ndarray | None]] = [[None, *self.val.images[refs]]]
        for i in sources:
            x = from_bytes(self.val.images[[i]], self.device).permute(0, 3, 1, 2)
            gray = colour.lightness(x).expand(len(refs), -1, -1, -1)
            rows.append([self.val.images[i], *to_bytes(self.ema.net(gray, palettes))])
        return sheet(rows, 128)


def from_bytes(values: np.ndarray, device: torch.device) -> Tensor:
    """uint8 0..255 -> float32 -1..1 on the device."""
    return torch.from_numpy(np.ascontiguousarray(values)).to(device).float() / 127.5 - 1


def spread(faces: FaceSet, count: int, only: str | None = None) -> list[int]:
    """``count`` faces, going through the domains (or one domain) in turn."""
    pools = [faces.by_domain[only]] if only in faces.by_domain else list(faces.by_domain.values())
    deep = max(len(p) for p in pools)
    in_turn = [p[k] for k in range(deep) for p in pools if k < len(p)]
    return in_turn[:count]


def optimise(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One optimiser step on a loss."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
