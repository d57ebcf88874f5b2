"""Stage II: TT-Net learns the topology of the reference's domain (Eq. 6 to 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hasnet_models import colour, identity, weights
from hasnet_models.config import Preset, to_dict
from hasnet_models.rt_net import RTNet
from hasnet_models.training import losses
from hasnet_models.training.augment import translate
from hasnet_models.training.discriminators import StyleDiscriminator
from hasnet_models.training.ema import EMA
from hasnet_models.training.entries import PAIRED, SAME, Batch, Entry, EntryPool, Sampler
from hasnet_models.training.faces import FaceSet
from hasnet_models.training.rt_stage import from_bytes, optimise, spread
from hasnet_models.training.sheet import sheet, to_bytes
from hasnet_models.tt_net import TTNet, content_features, head_tensors

LOSS_LAYERS = ("relu3_2", "relu4_2")
FACE_SHARE = 9 / 16


class TTStage:
    """Networks, optimisers and data of stage II; see :class:`hasnet_models.training.loop.Stage`.

    Args:
        rt: a trained RT-Net, frozen.
        vgg: VGG features up to relu4_2, frozen.
        identity_net: the network that z_id comes from, frozen.
        domains: domains that references are drawn from; all that TT-Net knows when empty.
    """

    name = "tt"

    def __init__(
        self,
        preset: Preset,
        faces: FaceSet,
        val: FaceSet,
        device: torch.device,
        frozen: tuple[RTNet, nn.Module, nn.Module],
        domains: Sequence[str] = (),
    ) -> None:
        self.preset, self.faces, self.val, self.device = preset, faces, val, device
        self.config = c = preset.tt_train
        self.rt, self.vgg, self.identity_net = frozen
        torch.manual_seed(c.seed)
        self.codes = preset.tt.domains or tuple(faces.by_domain)
        self.net = TTNet(preset.tt).to(device)
        self.d = StyleDiscriminator(c.sizes, c.d_widths, len(self.codes)).to(device)
        self.ema = EMA(self.net, c.ema)
        betas = (c.beta1, c.beta2)
        self.opt = torch.optim.Adam(self.trained(), c.lr, betas)
        self.d_opt = torch.optim.Adam(self.d.parameters(), c.d_lr, betas)
        sampler = Sampler(faces, c, domains or self.codes)
        self.pool = EntryPool(sampler, self.make_entries, c.pool, c.pool_renew)
        self.targets: dict[tuple[int, bool], dict[str, Tensor]] = {}
        self.targets_size = 0
        self.step_number = 0
        self.images = 0

    def trained(self) -> list[nn.Parameter]:
        """The parameters that are trained: all, or a head's where ``head_from`` says so."""
        named = dict(self.net.named_parameters())
        kept = head_tensors(named, self.preset.tt.resolutions, self.config.head_from)
        for name, parameter in named.items():
            parameter.requires_grad_(name in kept)
        return list(kept.values())

    def start_from(self, net: dict[str, Tensor], d: dict[str, Tensor] | None) -> None:
        """Begin with these weights instead of random ones.

        Raises:
            WeightsError: they are of another architecture.
        """
        weights.load_into(self.net, net, "TT-Net")
        weights.load_into(self.ema.net, net, "TT-Net")
        if d is not None:
            weights.load_into(self.d, d, "the discriminator")

    @property
    def size(self) -> int:
        """Side in px of the output at this point of the training."""
        stage = sum(self.images >= limit for limit in self.config.size_images)
        return self.config.sizes[min(stage, len(self.config.sizes) - 1)]

    def step(self) -> dict[str, float]:
        """One batch: D, then G; all randomness follows from (seed, step)."""
        rng = np.random.default_rng((self.config.seed, self.step_number, 1))
        torch.manual_seed(int(rng.integers(2**62)))
        batch, size = self.pool.draw(rng, self.config.batch), self.size
        x_rt = shrink(batch.x_rt, size)
        z, code = self.style_of(batch.entries, rng)
        parts = self.net.parts(x_rt, batch.content, z, code, size)
        if self.images < self.config.warmup_images:
            report = self._warm_up(parts["x_tt"], x_rt)
        else:
            report = self._step_d(batch, parts["x_tt"].detach(), rng)
            report |= self._step_g(batch, parts, z, rng)
        self.ema.update(self.net, self.step_number)
        self.step_number += 1
        self.images += len(x_rt)
        return report

    def _warm_up(self, x_tt: Tensor, x_rt: Tensor) -> dict[str, float]:
        loss = (x_tt - x_rt).abs().mean()
        optimise(self.opt, 10 * loss)
        return {"warm_up": loss.item()}

    def _step_d(self, batch: Batch, fake: Tensor, rng: np.random.Generator) -> dict[str, float]:
        c = self.config
        real = self.reference_images(batch.entries, fake.shape[-1])
        domain = self.domain_numbers(batch.entries)
        lazy = c.r1 > 0 and self.step_number % c.r1_every == 0
        real = translate(real, c.translation, rng).requires_grad_(lazy)
        real_logits = self.d(real, domain)
        fake_logits = self.d(translate(fake, c.translation, rng), domain)
        loss = losses.logistic_d(real_logits, fake_logits)
        report = {"d": loss.item()}
        if lazy:
            r1 = losses.r1_penalty(real_logits, real)
            loss = loss + c.r1 * c.r1_every * r1
            report["r1"] = r1.item()
        optimise(self.d_opt, loss)
        return report

    def _step_g(
        self, batch: Batch, parts: dict[str, Tensor], z: Tensor, rng: np.random.Generator
    ) -> dict[str, float]:
        c, x_tt = self.config, parts["x_tt"]
        self.d.requires_grad_(False)
        seen = self.d(translate(x_tt, c.translation, rng), self.domain_numbers(batch.entries))
        terms = {"adv": (c.adversarial, losses.logistic_g(seen))}
        terms |= self._image_terms(batch, x_tt)
        if self.step_number % c.identity_every == 0:
            found = identity.embed(self.identity_net, x_tt)
            terms["id"] = (c.identity * c.identity_every, losses.identity(found, z))
        if self.step_number % c.contextual_every == 0:
            terms |= self._contextual_terms(batch.entries, x_tt)
        if c.smoothness and parts["flow"] is not None:
            terms["smooth"] = (c.smoothness, losses.smoothness(parts["flow"]))
        optimise(self.opt, sum(weight * loss for weight, loss in terms.values()))
        self.d.requires_grad_(True)
        return {name: loss.item() for name, (_, loss) in terms.items()}

    def _image_terms(self, batch: Batch, x_tt: Tensor) -> dict[str, tuple[float, Tensor]]:
        c, target = self.config, self.reference_images(batch.entries, x_tt.shape[-1])
        same, pair = batch.mask(SAME), batch.mask(PAIRED)
        terms = {"rec": (c.reconstruction, losses.reconstruction(x_tt, target, same))}
        if c.paired:
            terms["pair"] = (c.paired, losses.paired(x_tt, target, pair))
        return terms

    def _contextual_terms(
        self, entries: Sequence[Entry], x_tt: Tensor
    ) -> dict[str, tuple[float, Tensor]]:
        c, size = self.config, x_tt.shape[-1]
        terms, found = {}, None
        wanted = {
            "style": (c.style, [(e.reference, e.reference_flip) for e in entries]),
            "content": (c.content, [content_target(e) for e in entries]),
        }
        for name, (weight, keys) in wanted.items():
            if weight:
                found = found or self.vgg(face_crop(x_tt), LOSS_LAYERS)
                loss = losses.contextual(found, self.target_features(keys, size), c.bandwidth)
                terms[name] = (weight * c.contextual_every, loss)
        return terms

    def style_of(
        self, entries: Sequence[Entry], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """z_id of the references and their domain codes, some of which are dropped."""
        rows = [e.reference for e in entries]
        z = torch.from_numpy(self.faces.z_ids[rows]).to(self.device)
        if not self.preset.tt.domains:
            return z, None
        names = [self.faces.domain(e.reference) for e in entries]
        code = torch.cat([self.net.domain_code(n) for n in names]).to(self.device)
        kept = torch.from_numpy(rng.random(len(rows)) >= self.config.code_dropout)
        return z, code * kept.to(self.device)[:, None]

    def domain_numbers(self, entries: Sequence[Entry]) -> Tensor:
        """(B,) int64: position of each reference's domain among the codes; 0 for a new domain."""
        names = [self.faces.domain(e.reference) for e in entries]
        numbers = [self.codes.index(n) if n in self.codes else 0 for n in names]
        return torch.tensor(numbers, device=self.device)

    def reference_images(self, entries: Sequence[Entry], size: int) -> Tensor:
        """The references, (B, 3, size, size)."""
        return self.pictures([(e.reference, e.reference_flip) for e in entries], size)

    def pictures(self, keys: Sequence[tuple[int, bool]], size: int) -> Tensor:
        """Faces by (position, flipped), (B, 3, size, size) in -1..1."""
        images = self.faces.images
        found = np.stack([images[i][:, ::-1] if flip else images[i] for i, flip in keys])
        return shrink(from_bytes(found, self.device).permute(0, 3, 1, 2), size)

    @torch.no_grad()
    def target_features(self, keys: Sequence[tuple[int, bool]], size: int) -> dict[str, Tensor]:
        """VGG features of faces, kept in half precision until the size changes."""
        if self.targets_size != size:
            self.targets, self.targets_size = {}, size
        for key in keys:
            # one by one: rounding depends on the batch, and a resumed run must repeat it
            if key not in self.targets:
                made = self.vgg(face_crop(self.pictures([key], size)), LOSS_LAYERS)
                self.targets[key] = {n: f[0].half() for n, f in made.items()}
        rows = [self.targets[k] for k in keys]
        return {n: torch.stack([r[n] for r in rows]).float() for n in LOSS_LAYERS}

    @torch.no_grad()
    def make_entries(self, entries: Sequence[Entry]) -> tuple[Tensor, dict[str, Tensor]]:
        """X_RT and its content features for some entries."""
        side = max(self.preset.tt.content_size, self.config.sizes[-1])
        x_s = self.pictures([(e.source, e.source_flip) for e in entries], side)
        palettes = from_bytes(self.faces.palettes[[e.reference for e in entries]], self.device)
        x_rt = self.rt(colour.lightness(x_s), palettes)
        return x_rt, content_features(self.vgg, x_rt, self.preset.tt)

    def state(self) -> dict[str, Any]:
        """Networks, optimisers, counters and which entries the pool holds."""
        return {
            "net": self.net.state_dict(),
            "ema": self.ema.net.state_dict(),
            "d": self.d.state_dict(),
            "opt": self.opt.state_dict(),
            "d_opt": self.d_opt.state_dict(),
            "step": self.step_number,
            "images": self.images,
            "pool": self.pool.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        for part in ("net", "d", "opt", "d_opt"):
            getattr(self, part).load_state_dict(state[part])
        self.ema.net.load_state_dict(state["ema"])
        self.step_number, self.images = state["step"], state["images"]
        self.pool.restore(state["pool"])

    def configuration(self) -> dict[str, Any]:
        """The tables of the preset that this stage depends on."""
        return {"tt": to_dict(self.preset.tt), "tt_train": to_dict(self.config)}

    @torch.no_grad()
    def preview(self, people: int = 6, references: int = 12) -> np.ndarray:
        """Top row: references; left column: sources; cells: X_TT, below them X_RT."""
        sources = spread(self.val, people, "photo")
        refs = preview_references(self.val, self.pool.sampler, references)
        palettes = from_bytes(self.val.palettes[refs], self.device)
        z = torch.from_numpy(self.val.z_ids[refs]).to(self.device)
        code = torch.cat([self.net.domain_code(self.val.domain(i)) for i in refs]).to(self.device)
        rows: list[list[np.ndarray | None]] = [[None, *self.val.images[refs]]]
        for i in sources:
            x = from_bytes(self.val.images[[i]], self.device).permute(0, 3, 1, 2)
            x_rt = self.rt(colour.lightness(x).expand(len(refs), -1, -1, -1), palettes)
            content = content_features(self.vgg, x_rt, self.preset.tt)
            small = shrink(x_rt, max(self.size, self.preset.tt.content_size))
            x_tt = self.ema.net(small, content, z, code, self.size)
            rows += [[self.val.images[i], *to_bytes(x_tt)], [None, *to_bytes(x_rt)]]
        return sheet(rows, 128)


def content_target(entry: Entry) -> tuple[int, bool]:
    """What L_CCX compares with: the source, or the target where there is a pair."""
    if entry.kind == PAIRED:
        return entry.reference, entry.reference_flip
    return entry.source, entry.source_flip


def face_crop(images: Tensor) -> Tensor:
    """Images up to 64 px whole, larger ones cut to the face, 9/16 of the side (as aligned)."""
    side = images.shape[-1]
    if side <= 64:
        return images
    cut = int(side * FACE_SHARE)
    left, top = (side - cut) // 2, (side - cut) * 5 // 8
    return images[..., top : top + cut, left : left + cut]


def shrink(images: Tensor, size: int) -> Tensor:
    """Area-averaged to ``size`` px; smaller images are enlarged bilinearly."""
    if images.shape[-1] == size:
        return images
    if images.shape[-1] < size:
        return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    return F.interpolate(images, size=(size, size), mode="area")


def preview_references(faces: FaceSet, sampler: Sampler, count: int) -> list[int]:
    """References for a sheet: the domains with the largest shares twice, then the others."""
    order = sorted(sampler.domains, key=lambda d: -sampler.weights[sampler.domains.index(d)])
    known = [d for d in order if d in faces.by_domain]
    chosen = [i for d in known[:3] for i in faces.by_domain[d][:2]]
    for d in known[3:]:
        chosen.append(faces.by_domain[d][0])
    return chosen[:count]
