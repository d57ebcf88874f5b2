"""Stage II: TT-Net learns the topology of the reference's domain (Eq. 6 to 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hasnet_models.config.build import to_dict
from hasnet_models.config.schema import Preset
from hasnet_models.data.faces import FaceSet
from hasnet_models.networks import colour, identity
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tensors import to_pixels, to_signed
from hasnet_models.networks.tt_net import TTNet, content_features, head_tensors
from hasnet_models.sheet import sheet
from hasnet_models.training import losses, shaping
from hasnet_models.training.augment import affine, relight, translate
from hasnet_models.training.discriminators import Discriminators
from hasnet_models.training.draws import faces_in_turn, own_uniform, seed_torch
from hasnet_models.training.entries import MIXED, PAIRED, SAME, Batch, Entry, EntryPool, Sampler
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.stage import GanStage
from hasnet_models.training.targets import Key, TargetFeatures, fractions, pictures, shrink

SCORED = 8
Terms = dict[str, tuple[float, Tensor]]


@dataclass(frozen=True)
class ComparedFeatures:
    """VGG features by layer: of X_TT, of the references, of the content's targets; the domains."""

    x_tt: dict[str, Tensor]
    style: dict[str, Tensor] | None
    content: dict[str, Tensor] | None
    domain: Tensor


class TTStage(GanStage):
    """Networks, optimisers and data of stage II; see :class:`hasnet_models.training.loop.Stage`.

    Args:
        frozen: a trained RT-Net, VGG features up to relu4_2, the network that z_id comes from.
        domains: domains that references are drawn from; all that TT-Net knows when empty.
    """

    name = "tt"
    label = "TT-Net"

    def __init__(
        self,
        preset: Preset,
        faces: FaceSet,
        val: FaceSet,
        runtime: Runtime,
        frozen: tuple[RTNet, nn.Module, nn.Module],
        domains: Sequence[str] = (),
    ) -> None:
        super().__init__(preset.tt_train, faces, val, runtime)
        self.preset, c = preset, self.config
        torch.manual_seed(c.seed)
        self.codes = preset.tt.domains or tuple(faces.by_domain)
        net = TTNet(preset.tt)
        d = Discriminators(c.sizes, c.d_widths, len(self.codes), c.feature_width)
        self.use(net, d, self._trained(net), self._trained_d(d))
        self.run_net, self.run_d = runtime.runner(self.net.parts), runtime.runner(d.picture)
        self.run_feature_d = runtime.runner(d.feature) if d.feature else None
        self.run_rt, self.run_vgg, embedder = (runtime.runner(runtime.place(n)) for n in frozen)
        self.placed = frozen[0].config.zones
        self.shaping = shaping.Shaping(faces, preset.tt)
        self.embed = partial(identity.embed, embedder)
        view = partial(pictures, faces, device=self.device)
        self.targets = TargetFeatures(self.run_vgg, view, c.contextual_shrink, c.feature_cache_mb)
        # a GPU makes entries faster than it would copy them out of a pool
        capacity = 0 if runtime.on_gpu else c.pool
        sampler = Sampler(faces, c, domains or self.codes)
        self.pool = EntryPool(sampler, self.make_entries, capacity, c.pool_renew)
        # metadata of the base, which a head's file repeats
        self.base: dict[str, str] = {}

    def _trained(self, net: TTNet) -> list[dict[str, Any]]:
        """What is trained, all or a head's, in groups: with a run-time gain, and without."""
        named = dict(net.named_parameters())
        kept = head_tensors(named, self.preset.tt.resolutions, self.config.head_from)
        for name, parameter in named.items():
            parameter.requires_grad_(name in kept)
        gained = {m.weight for m in net.modules() if hasattr(m, "gain")}
        plain = [p for p in kept.values() if p not in gained]
        scaled = {"params": [p for p in kept.values() if p in gained]}
        return [scaled, {"params": plain, "lr": self.config.lr * self.config.plain_lr}]

    def _trained_d(self, d: Discriminators) -> list[dict[str, Any]]:
        """D's parameters in the same groups; those of the features have no run-time gain."""
        groups: list[dict[str, Any]] = [{"params": list(d.picture.parameters())}]
        if d.feature:
            plain_lr = self.config.d_lr * self.config.plain_lr
            groups.append({"params": list(d.feature.parameters()), "lr": plain_lr})
        return groups

    @property
    def size(self) -> int:
        """Side in px of the output at this point of the training."""
        c = self.config
        if c.domain:
            return c.head_size or c.sizes[-1]
        stage = sum(self.images >= limit for limit in c.size_images)
        return c.sizes[min(stage, len(c.sizes) - 1)]

    def draw(self, rng: np.random.Generator) -> Batch:
        """A batch with X_RT as large as the content features and the output need."""
        return self.pool.draw(rng, self.config.batch, self.entry_side)

    @property
    def entry_side(self) -> int:
        """Side in px of X_RT in an entry at this point of the training."""
        return max(self.preset.tt.content_size, self.size)

    def advance(self) -> dict[str, Tensor]:
        """D, then G; until ``warmup_images`` G alone, which copies X_RT."""
        rng = np.random.default_rng((self.config.seed, self.step_number, 1))
        seed_torch(int(rng.integers(2**62)))
        batch, size = self.draw(rng), self.size
        batch.x_rt = shrink(batch.x_rt, size)
        z, code = self.style_of(batch.entries, rng)
        person = batch.content.get("person")
        parts = self.run_net(batch.x_rt, batch.content, z, code, size, person)
        if self.images < self.config.warmup_images and not self.config.domain:
            loss = (parts["x_tt"] - batch.x_rt).abs().mean()
            self.opt.minimise(10 * loss)
            return {"warm_up": loss}
        real = self.references(batch.entries, size)
        features = self._features(batch.entries, parts["x_tt"])
        report = self._step_d(batch, parts["x_tt"].detach(), real, features, rng)
        with self.frozen_d():
            terms = self._terms(batch, parts, real, z, rng)
            if features:
                terms |= self._feature_terms(features)
            self.opt.minimise(losses.total(terms))
        return report | {name: loss for name, (_, loss) in terms.items()}

    def _features(self, entries: Sequence[Entry], x_tt: Tensor) -> ComparedFeatures | None:
        """Features for the losses that need them; None where it is not their turn."""
        c, size = self.config, x_tt.shape[-1]
        if self.step_number % c.contextual_every or not (c.style or c.content or c.feature_width):
            return None
        references = [(e.reference, e.reference_flip) for e in entries]
        style = self.targets(references, size) if c.style or c.feature_width else None
        content = self.targets([content_target(e) for e in entries], size) if c.content else None
        domain = self.domain_numbers(entries)
        return ComparedFeatures(self.targets.features(x_tt), style, content, domain)

    def _step_d(
        self,
        batch: Batch,
        fake: Tensor,
        real: Tensor,
        features: ComparedFeatures | None,
        rng: np.random.Generator,
    ) -> dict[str, Tensor]:
        c, domain = self.config, self.domain_numbers(batch.entries)
        lazy = c.r1 > 0 and self.step_number % c.r1_every == 0
        real = self._shown(real, rng).detach().requires_grad_(lazy)
        # R1 differentiates twice: in float32, and not through a compiled network
        real_logits = self.d.picture(real, domain) if lazy else self.run_d(real, domain)
        fake_logits = self.run_d(self._shown(fake, rng), domain)
        terms = {"d": (1.0, losses.logistic_d(real_logits, fake_logits))}
        if lazy:
            terms["r1"] = (c.r1 * c.r1_every, losses.r1_penalty(real_logits, real))
        if features and self.run_feature_d:
            views = (features.style, {n: f.detach() for n, f in features.x_tt.items()})
            logits = (self.run_feature_d(list(v.values()), domain) for v in views)
            terms["feature_d"] = (1.0, losses.hinge_d(*logits))
        self.d_opt.minimise(losses.total(terms))
        return {name: loss for name, (_, loss) in terms.items()}

    def _shown(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """What the discriminator is shown of pictures, real and generated alike."""
        return translate(relight(images, self.config.relight, rng), self.config.translation, rng)

    def _terms(
        self,
        batch: Batch,
        parts: dict[str, Tensor],
        real: Tensor,
        z: Tensor,
        rng: np.random.Generator,
    ) -> Terms:
        """G's losses with their weights; a lazy one only in its turn."""
        c, x_tt = self.config, parts["x_tt"]
        judged = self.run_d(self._shown(x_tt, rng), self.domain_numbers(batch.entries))
        terms = {"adv": (c.adversarial, losses.logistic_g(judged))}
        terms["rec"] = (c.reconstruction, losses.reconstruction(x_tt, real, batch.mask(SAME)))
        if c.paired:
            terms["pair"] = (c.paired, losses.paired(x_tt, real, batch.mask(PAIRED)))
        if c.identity and self.step_number % c.identity_every == 0:
            terms["id"] = (c.identity * c.identity_every, losses.identity(self.embed(x_tt), z))
        if c.smoothness and parts["flow"] is not None:
            terms["smooth"] = (c.smoothness, losses.smoothness(parts["flow"]))
        if c.tone:
            terms["tone"] = (c.tone, losses.tone(x_tt, batch.x_rt, batch.mask(MIXED)))
        return terms

    def _feature_terms(self, features: ComparedFeatures) -> Terms:
        """The losses on features, which stand for the steps that went without them too."""
        c = self.config
        aims = {"style": (c.style, features.style), "content": (c.content, features.content)}
        terms = {
            name: (weight * c.contextual_every, losses.contextual(features.x_tt, aim, c.bandwidth))
            for name, (weight, aim) in aims.items()
            if weight
        }
        if self.run_feature_d:
            judged = self.run_feature_d(list(features.x_tt.values()), features.domain)
            weight = c.feature_adversarial * c.contextual_every
            terms["feature_adv"] = (weight, losses.hinge_g(judged))
        return terms

    def style_of(
        self, entries: Sequence[Entry], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """z_id of the references and their domain codes, some of which are dropped."""
        rows = [e.reference for e in entries]
        z, code = self._styles(self.faces, rows)
        if not self.preset.tt.domains:
            return z, None
        kept = torch.from_numpy(own_uniform(rng, len(rows)) >= self.config.code_dropout)
        return z, code * kept.to(self.device)[:, None]

    def _styles(self, faces: FaceSet, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        z = torch.from_numpy(faces.z_ids[list(rows)]).to(self.device)
        code = torch.cat([self.net.domain_code(faces.domain(i)) for i in rows])
        return z, code.to(self.device)

    def domain_numbers(self, entries: Sequence[Entry]) -> Tensor:
        """(B,) int64: position of each reference's domain among the codes; 0 for a new domain."""
        names = [self.faces.domain(e.reference) for e in entries]
        numbers = [self.codes.index(n) if n in self.codes else 0 for n in names]
        return torch.tensor(numbers, device=self.device)

    def references(self, entries: Sequence[Entry], size: int) -> Tensor:
        """The references, (B, 3, size, size)."""
        keys = [(e.reference, e.reference_flip) for e in entries]
        return pictures(self.faces, keys, size, self.device)

    @torch.no_grad()
    def make_entries(self, entries: Sequence[Entry], side: int) -> tuple[Tensor, dict[str, Tensor]]:
        """X_RT of ``side`` px and its content features for some entries."""
        return self._content(self.faces, entries, side, self.config.affine)

    def _content(
        self, faces: FaceSet, entries: Sequence[Entry], side: int, moved: float = 0.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """X_RT as the entries want it, and what TT-Net needs beside it.

        Args:
            moved: strength of the affine map of sources.
        """
        keys = [(e.source, e.source_flip) for e in entries]
        x = self._moved(pictures(faces, keys, side, self.device), entries, moved)
        if self.preset.tt.use_rt:
            x = self._recoloured(x, faces, entries, moved)
        guides = self._guides(faces, entries, moved)
        x = shaping.apply(x, guides, entries)
        content = content_features(self.run_vgg, x, self.preset.tt)
        if self.config.person:
            masks = fractions(faces.vectors["persons"], keys, self.device)[:, None]
            content["person"] = shaping.warped(self._moved(masks, entries, moved), guides)
        return x, content

    def _recoloured(
        self, x: Tensor, faces: FaceSet, entries: Sequence[Entry], moved: float
    ) -> Tensor:
        references = [e.reference for e in entries]
        palettes = to_signed(faces.palettes[references], self.device)
        if not self.placed:
            return self.run_rt(colour.lightness(x), palettes)
        keys = [(e.source, e.source_flip) for e in entries]
        zones = fractions(faces.vectors["zones"], keys, self.device)
        shares = torch.from_numpy(faces.vectors["shares"][references]).to(self.device)
        zones = self._moved(zones, entries, moved)
        return self.run_rt(colour.lightness(x), palettes, zones, shares)

    def _guides(
        self, faces: FaceSet, entries: Sequence[Entry], moved: float
    ) -> list[shaping.Guide]:
        if not (self.preset.tt.shape or self.preset.tt.appearance):
            return [shaping.Guide()] * len(entries)
        return [self.shaping.guide(faces, e, self._seed(e), moved) for e in entries]

    def _moved(self, x: Tensor, entries: Sequence[Entry], strength: float) -> Tensor:
        """Sources of no pixel-wise loss get their affine map; those of one stay on their target."""
        mixed = {i: self._seed(e) for i, e in enumerate(entries) if e.kind == MIXED}
        if not strength or not mixed:
            return x
        x = x.clone()
        x[list(mixed)] = affine(x[list(mixed)], strength, list(mixed.values()))
        return x

    def _seed(self, e: Entry) -> tuple[int, ...]:
        """What an entry's affine map is a function of."""
        return (self.config.seed, e.source, e.reference, e.source_flip, e.reference_flip)

    def state(self) -> dict[str, Any]:
        """Networks, optimisers, counters and which entries the pool holds."""
        return {**super().state(), "pool": self.pool.state()}

    def load(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        super().load(state)
        # as in a step: the entries are to be the same to the bit
        with self.runtime.arithmetic():
            self.pool.restore(state["pool"])

    def configuration(self) -> dict[str, Any]:
        """The tables of the preset that this stage depends on."""
        return {"tt": to_dict(self.preset.tt), "tt_train": self.training_table()}

    @torch.no_grad()
    def score(self) -> float | None:
        """Weighted Eq. 8 to 10 of the averaged net on validation faces; None until full size."""
        c, refs = self.config, preview_references(self.val, self.pool.sampler, SCORED)
        if self.size < c.sizes[-1] and not c.domain:
            return None
        photos = faces_in_turn(self.val, SCORED, "photo")
        keys = [(photos[i % len(photos)], False) for i in range(len(refs))]
        x_tt, _ = self._render([k for k, _ in keys], refs)
        z, _ = self._styles(self.val, refs)
        found = self.targets.features(x_tt)
        total = c.identity * losses.identity(self.embed(x_tt), z)
        aims = ((c.style, [(i, False) for i in refs]), (c.content, keys))
        for weight, aim in aims:
            target = self.targets.features(pictures(self.val, aim, self.size, self.device))
            total = total + weight * losses.contextual(found, target, c.bandwidth)
        return total.item()

    def _render(self, sources: Sequence[int], references: Sequence[int]) -> tuple[Tensor, Tensor]:
        """X_TT of the averaged net, and X_RT as it is given it, for validation faces."""
        pairs = zip(sources, references, strict=True)
        entries = [Entry(s, r, MIXED, False, False) for s, r in pairs]
        x_rt, content = self._content(self.val, entries, self.entry_side)
        styles = self._styles(self.val, references)
        small, person = shrink(x_rt, self.size), content.get("person")
        return self.ema.net(small, content, *styles, self.size, person), x_rt

    @torch.no_grad()
    def preview(self, people: int = 6, references: int = 16) -> np.ndarray:
        """Top row: references; left column: sources; cells: X_TT, below them X_RT as it enters."""
        refs = preview_references(self.val, self.pool.sampler, references)
        rows: list[list[np.ndarray | None]] = [[None, *self.val.images[refs]]]
        for i in faces_in_turn(self.val, people, "photo"):
            x_tt, x_rt = self._render([i] * len(refs), refs)
            rows += [[self.val.images[i], *to_pixels(x_tt)], [None, *to_pixels(x_rt)]]
        return sheet(rows, 128)


def content_target(entry: Entry) -> Key:
    """What L_CCX compares with: the source, or the target where there is a pair."""
    if entry.kind == PAIRED:
        return entry.reference, entry.reference_flip
    return entry.source, entry.source_flip


def preview_references(faces: FaceSet, sampler: Sampler, count: int) -> list[int]:
    """References for a sheet: the domains with the largest shares twice, then the others."""
    order = sorted(sampler.domains, key=lambda d: -sampler.weights[sampler.domains.index(d)])
    known = [d for d in order if d in faces.by_domain]
    chosen = [i for d in known[:3] for i in faces.by_domain[d][:2]]
    for d in known[3:]:
        chosen.append(faces.by_domain[d][0])
    return chosen[:count]
