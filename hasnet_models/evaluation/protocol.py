"""Which sources meet which references: the paper's protocols (section 4.6), drawn by a seed.

Table 2 takes 10 pictures of each other domain as sources, Table 3 takes 100 photographs. Where the
paper does not say which reference a source gets, each gets `references` different ones, drawn so
that all references of the domain come up equally often.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hasnet_models.data.index import FaceRecord, has_split, list_faces
from hasnet_models.errors import UsageError

CROSS, PHOTOS = "cross", "photos"
PHOTO_DOMAIN = "photo"
# of a domain's own pictures, and of pairs: below it a covariance means nothing at all
LEAST = 5


@dataclass(frozen=True)
class Protocol:
    """What is drawn.

    Attributes:
        domain: that of the references.
        kind: "cross", sources of each other domain, or "photos".
        sources: of each other domain, or photographs in all.
        references: that each source meets.
        split: of the faces; "val" is what no network has seen.
    """

    domain: str
    kind: str = CROSS
    sources: int = 10
    references: int = 1
    split: str = "val"
    seed: int = 0


@dataclass(frozen=True)
class Pair:
    """A source and a reference; `name` is what every system's picture of it is called."""

    source: FaceRecord
    reference: FaceRecord

    @property
    def name(self) -> str:
        return f"{input_name(self.source)}--{input_name(self.reference)}"


@dataclass(frozen=True)
class Draw:
    """The pairs of a protocol, and the domain's own pictures, which FID and others compare with."""

    pairs: tuple[Pair, ...]
    own: tuple[FaceRecord, ...]

    @property
    def inputs(self) -> tuple[FaceRecord, ...]:
        """Every picture of a pair, once."""
        found = [record for pair in self.pairs for record in (pair.source, pair.reference)]
        return tuple(dict.fromkeys(found))


def input_name(record: FaceRecord) -> str:
    """The name of a picture among the inputs: the domain and the stem of its file."""
    return f"{record.domain}-{Path(record.file).stem}"


def draw(faces: Path, protocol: Protocol, domains: Sequence[str]) -> Draw:
    """The pairs, a pure function of the arguments and the index.

    Args:
        faces: a folder of faces, see :mod:`hasnet_models.data.index`.
        domains: whose pictures may be sources of the cross protocol.

    Raises:
        UsageError: the folder has no such split or domain, or too few pictures of it.
    """
    if not has_split(faces, protocol.split):
        raise UsageError(
            f"{faces} has no split {protocol.split!r}, whose pictures no network has seen.",
            "Give another one with split=NAME.",
            parameters=("split",),
        )
    by_domain = _by_domain(list_faces(faces, protocol.split).records)
    own = by_domain.get(protocol.domain, [])
    if not own:
        raise UsageError(f"{faces} has no pictures of the domain {protocol.domain!r}.")
    _require_enough(len(own), f"{faces} has", f"of {protocol.domain} in {protocol.split!r}")
    sources = list(_sources(by_domain, protocol, domains))
    rng = random.Random(f"{protocol.seed}:references")
    turn = _in_turn(own, rng)
    pairs = [Pair(s, r) for s in sources for r in itertools.islice(turn, protocol.references)]
    pairs = list(dict.fromkeys(pairs))
    _require_enough(len(pairs), "The protocol gives", "to make avatars of")
    return Draw(tuple(pairs), tuple(own))


def _require_enough(count: int, subject: str, rest: str) -> None:
    if count < LEAST:
        pictures = f"{count} picture" + "s" * (count != 1)
        raise UsageError(f"{subject} {pictures} {rest}, and FID needs at least {LEAST}.")


def _by_domain(records: Sequence[FaceRecord]) -> dict[str, list[FaceRecord]]:
    found: dict[str, list[FaceRecord]] = {}
    for record in records:
        found.setdefault(record.domain, []).append(record)
    return found


def _sources(
    by_domain: dict[str, list[FaceRecord]], protocol: Protocol, domains: Sequence[str]
) -> Iterator[FaceRecord]:
    names = [PHOTO_DOMAIN] if protocol.kind == PHOTOS else sorted(domains)
    for name in names:
        own = by_domain.get(name, [])
        if name != protocol.domain:
            rng = random.Random(f"{protocol.seed}:{name}")
            yield from rng.sample(own, min(protocol.sources, len(own)))


def _in_turn(own: Sequence[FaceRecord], rng: random.Random) -> Iterator[FaceRecord]:
    """All in a random order, then all in another one, and so on."""
    while True:
        yield from rng.sample(own, len(own))
