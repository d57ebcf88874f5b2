"""Entries of stage II: which source meets which reference, and the pool that keeps them.

Making an entry costs an RT-Net and a VGG forward pass; a pool of entries in memory lets each be
used several times, with a few made anew every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hasnet_models.config.schema import TTTrainConfig
from hasnet_models.data.faces import FaceSet
from hasnet_models.errors import UsageError
from hasnet_models.topology.strength import CHROMA, PATTERN
from hasnet_models.training import distributed
from hasnet_models.training.draws import one_of

MIXED, SAME, PAIRED = 0, 1, 2


@dataclass(frozen=True)
class Entry:
    """A source and a reference, as positions in the face set; ``kind`` is one of the above.

    How a MIXED one is shaped and coloured, by default as when the networks are run:

    Attributes:
        strength: of the shape, times the domain's default.
        own_shape: whether the reference's own shape is mixed in.
        chroma, pattern: of the appearance map, see :func:`hasnet_models.networks.appearance.lay`.
    """

    source: int
    reference: int
    kind: int
    source_flip: bool
    reference_flip: bool
    strength: float = 1.0
    own_shape: bool = True
    chroma: float = CHROMA
    pattern: float = PATTERN


class Sampler:
    """Draws entry ``number`` as a pure function of (seed, number).

    Args:
        domains: domains that references come from; all of the face set's when empty.

    Raises:
        UsageError: none of the domains has a face, or a share names a domain without faces.
    """

    def __init__(self, faces: FaceSet, config: TTTrainConfig, domains: Sequence[str]) -> None:
        self.faces, self.config = faces, config
        self.domains = [d for d in faces.by_domain if not domains or d in domains]
        if not self.domains:
            raise UsageError(f"No faces of the domains {', '.join(domains)}.")
        self.weights = self._weights()
        self.photos = self._photos()
        targets = {d: [i for i in faces.by_domain[d] if self._sources_of(i)] for d in self.domains}
        drawn = {d for d, weight in zip(self.domains, self.weights, strict=True) if weight}
        self.paired = {d: members for d, members in targets.items() if members and d in drawn}

    def __call__(self, number: int) -> Entry:
        """The entry of that number."""
        rng = np.random.default_rng((self.config.seed, number))
        draw, flips = rng.random(), rng.random(2) < 0.5
        if draw < self.config.pair_share and self.paired:
            return self._paired(rng, bool(flips[0]))
        domain = str(rng.choice(self.domains, p=self.weights))
        reference = one_of(rng, self.faces.by_domain[domain])
        if draw < self.config.pair_share + self.config.same_image:
            return Entry(reference, reference, SAME, bool(flips[0]), bool(flips[0]))
        source = self._source(rng, domain)
        return Entry(source, reference, MIXED, bool(flips[0]), bool(flips[1]), *self._look(rng))

    def _look(self, rng: np.random.Generator) -> tuple[float, bool, float, float]:
        """Strength, own shape, chroma and pattern of a MIXED entry."""
        c = self.config
        strength, own = rng.uniform(*c.shape_strength), rng.random() < c.own_shape
        return strength, own, rng.uniform(*c.appearance_chroma), rng.uniform(*c.appearance_pattern)

    def _weights(self) -> np.ndarray:
        """Of each domain; by root of size alone where none that is there has a share."""
        shares = self.config.shares
        rest = 1 - sum(v for d, v in shares.items() if d in self.domains)
        roots = {d: len(self.faces.by_domain[d]) ** 0.5 for d in self.domains}
        total = sum(root for d, root in roots.items() if d not in shares)
        raw = [shares.get(d, max(rest, 0) * roots[d] / max(total, 1)) for d in self.domains]
        raw = raw if sum(raw) else list(roots.values())
        return np.array(raw) / sum(raw)

    def _sources_of(self, index: int) -> list[int]:
        photos = set(self.config.photo_domains)
        if self.faces.domain(index) in photos:
            return []
        return [i for i in self.faces.partners(index) if self.faces.domain(i) in photos]

    def _paired(self, rng: np.random.Generator, flip: bool) -> Entry:
        names = list(self.paired)
        weights = np.array([self.weights[self.domains.index(d)] for d in names])
        domain = names[rng.choice(len(names), p=weights / weights.sum())]
        target = one_of(rng, self.paired[domain])
        source = one_of(rng, self._sources_of(target))
        return Entry(source, target, PAIRED, flip, flip)

    def _photos(self) -> dict[str, list[int]]:
        """All photos for references of each domain; those of one of photos are of the others."""
        photos = [d for d in self.config.photo_domains if d in self.faces.by_domain]
        every = self._faces_of(photos)
        return {
            d: self._faces_of([p for p in photos if p != d]) if d in photos else every
            for d in self.domains
        }

    def _faces_of(self, domains: Sequence[str]) -> list[int]:
        return [i for d in domains for i in self.faces.by_domain[d]]

    def _source(self, rng: np.random.Generator, avoid: str) -> int:
        others = [d for d in self.faces.by_domain if d != avoid] or [avoid]
        photos = self.photos[avoid]
        if photos and rng.random() < self.config.photo_sources:
            return one_of(rng, photos)
        return one_of(rng, self.faces.by_domain[str(rng.choice(others))])


@dataclass
class Batch:
    """Entries with what TT-Net needs of them: X_RT and the VGG features of X_RT by layer.

    Beside the layers ``content`` may have "person", (B, 1, 64, 64) in 0..1.
    """

    entries: list[Entry]
    x_rt: Tensor
    content: dict[str, Tensor]

    def mask(self, kind: int) -> Tensor:
        """(B,) float: 1 for entries of that kind."""
        return torch.tensor([float(e.kind == kind) for e in self.entries], device=self.x_rt.device)


Make = Callable[[Sequence[Entry], int], tuple[Tensor, Mapping[str, Tensor]]]


class EntryPool:
    """Keeps entries with their tensors in half precision and draws batches of them.

    Entries are made in groups of ``group``, so that a pool rebuilt from the group numbers is the
    same to the bit.

    Args:
        make: entries and a side in px -> X_RT of that side and content features.
        capacity: entries kept, rounded up to whole groups; 0 makes each batch anew, as does one
            that cannot hold a joint batch.
    """

    def __init__(self, sampler: Sampler, make: Make, capacity: int, group: int) -> None:
        self.sampler, self.make, self.group = sampler, make, group
        self.slots = -(-capacity // group)
        self.numbers: list[int] = []
        self.entries: list[list[Entry]] = []
        self.store: dict[str, Tensor] = {}
        self.next_number = self.side = 0

    def draw(self, rng: np.random.Generator, batch: int, side: int) -> Batch:
        """A batch of different entries with X_RT of ``side`` px; one group is made anew each time.

        Entries of another side, from before the output grew, are forgotten. Several processes hold
        the same pool and each take their share of a joint batch.
        """
        whole = batch * distributed.world()
        if side != self.side:
            self._empty(side)
        if self.slots * self.group < whole:
            return self._fresh(whole)
        while len(self.numbers) * self.group < min(4 * whole, self.slots * self.group):
            self._add(len(self.numbers), self._take_number())
        # the pool grows by two groups a step until it is full, then replaces its oldest
        for _ in range(2 if len(self.numbers) < self.slots else 1):
            number = self._take_number()
            self._add(min(len(self.numbers), number % self.slots), number)
        rows = rng.choice(len(self.numbers) * self.group, whole, replace=False)
        return self._pick(distributed.share(rows))

    def state(self) -> dict[str, list[int] | int]:
        """What :meth:`restore` needs to rebuild the pool."""
        return {"numbers": list(self.numbers), "next": self.next_number, "side": self.side}

    def restore(self, state: Mapping[str, list[int] | int]) -> None:
        """Make the same entries again."""
        self._empty(state["side"])
        for slot, number in enumerate(state["numbers"]):
            self._add(slot, number)
        self.next_number = state["next"]

    def _empty(self, side: int) -> None:
        self.numbers, self.entries, self.store, self.side = [], [], {}, side

    def _fresh(self, count: int) -> Batch:
        numbers = range(self.next_number, self.next_number + count)
        self.next_number += count
        entries = [self.sampler(n) for n in distributed.share(list(numbers))]
        x_rt, content = self.make(entries, self.side)
        return Batch(entries, x_rt, dict(content))

    def _take_number(self) -> int:
        self.next_number += 1
        return self.next_number - 1

    def _add(self, slot: int, number: int) -> None:
        entries = [self.sampler(number * self.group + i) for i in range(self.group)]
        made = self._made(entries)
        if slot == len(self.numbers):
            self.numbers.append(number)
            self.entries.append(entries)
        else:
            self.numbers[slot], self.entries[slot] = number, entries
        for name, values in made.items():
            if name not in self.store:
                # in the layout of what is kept: a network would bring it to its own at each use
                rows = values[:1].expand(self.slots * self.group, *values.shape[1:])
                self.store[name] = torch.zeros_like(rows)
            self.store[name][slot * self.group : (slot + 1) * self.group] = values

    def _made(self, entries: list[Entry]) -> dict[str, Tensor]:
        """A group's tensors in half precision, by several processes in even parts if it can be."""
        even = len(entries) % distributed.world() == 0
        x_rt, content = self.make(distributed.share(entries) if even else entries, self.side)
        made = {name: values.half() for name, values in {"x_rt": x_rt, **content}.items()}
        return {n: distributed.gather(v) for n, v in made.items()} if even else made

    def _pick(self, rows: np.ndarray) -> Batch:
        entries = [self.entries[r // self.group][r % self.group] for r in rows]
        index = torch.from_numpy(rows)
        tensors = {n: t[index.to(t.device)].float() for n, t in self.store.items()}
        return Batch(entries, tensors.pop("x_rt"), tensors)
