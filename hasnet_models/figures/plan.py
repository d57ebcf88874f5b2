"""What each figure shows, and the samples that chance draws for it.

The paper's figures are known by their captions and by what its text says of them (Sections 4.3 and
4.5); the number of rows and the domains that neither gives are ours.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hasnet_models.errors import UsageError
from hasnet_models.figures.gallery import PHOTO, Face, Gallery

SOURCE, REFERENCE = "source", "reference"
STAGE_I, BARE, WITHOUT_RT = "RT-Net (X_RT)", "RT-Net + TT-Net", "source + TT-Net"
NO_SHAPE, NO_MAP, HASNET = "no shape", "no map", "HASNet"
OTHERS = "..."  # where the columns of other systems stand

_THREE = ("nir", "sketch", "anime")
_ALL: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One figure of the paper.

    Attributes:
        domains: of the references; empty for all that are installed.
        samples: of each domain, or sources where it is a grid.
        columns: what is shown of a sample; `OTHERS` holds a place.
        photos: whether sources are photos, and not faces of any other domain.
        grid: the sources by the references, in place of the columns.
        lying: a column a sample, a row what is shown of it.
        universal: whether methods for any style stand among the others.
    """

    number: int
    title: str
    domains: tuple[str, ...]
    samples: int
    columns: tuple[str, ...]
    photos: bool = False
    grid: bool = False
    lying: bool = False
    universal: bool = False


FIGURES = {
    figure.number: figure
    for figure in (
        Figure(
            5, "stage I and stage II", ("sketch", "nir", "anime", "oil", "avatar", "opera"), 1,
            (SOURCE, REFERENCE, STAGE_I, WITHOUT_RT, BARE, HASNET, OTHERS), photos=True,
        ),
        Figure(
            7, "beside universal style transfer", _THREE, 2,
            (SOURCE, REFERENCE, OTHERS, HASNET), universal=True,
        ),
        Figure(
            8, "beside networks for two domains", _THREE, 3,
            (SOURCE, REFERENCE, OTHERS, HASNET), photos=True,
        ),
        Figure(
            9, "what each part does",
            ("nir", "oil", "opera", "sketch", "sculpture", "anime", "cartoon3d", "avatar"), 1,
            (SOURCE, REFERENCE, STAGE_I, WITHOUT_RT, BARE, HASNET, OTHERS, NO_SHAPE, NO_MAP),
            lying=True,
        ),
        Figure(10, "sources by references of all domains", _ALL, 4, (HASNET,), grid=True),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A source and a reference.

    Attributes:
        reference: a picture, or the name of one of the domain's own references.
    """

    domain: str
    source: Face
    reference: Face | str

    @property
    def name(self) -> str:
        """What every system's picture of it is called."""
        of = self.reference
        return f"{self.source.name}--{of if isinstance(of, str) else of.name}"


def draw(
    figure: Figure, gallery: Gallery, seed: int, domains: Sequence[str] = (),
    samples: int | None = None,
) -> list[Sample]:
    """The samples of a figure, a pure function of the arguments; a grid's go row by row.

    Args:
        domains: in place of the figure's.
        samples: of each domain, in place of the figure's number.

    Raises:
        UsageError: there are no references of any of the domains, or no sources.
    """
    wanted = domains or figure.domains or tuple(sorted(gallery.references))
    names = [name for name in wanted if gallery.references.get(name)]
    if not names:
        raise UsageError(f"There are no references of {', '.join(wanted)}.")
    count = samples or figure.samples
    if figure.grid:
        return list(_grid(gallery, names, random.Random(f"{seed}:{figure.number}"), count))
    made = (_of_domain(figure, gallery, name, seed, count) for name in names)
    return list(itertools.chain.from_iterable(made))


def _grid(
    gallery: Gallery, names: Sequence[str], rng: random.Random, count: int
) -> Iterator[Sample]:
    references = {name: rng.choice(gallery.references[name]) for name in names}
    worlds = sorted(gallery.faces, key=lambda name: (name != PHOTO, name))
    for turn in range(count):
        # half of the sources are photos, as most users' are
        world = PHOTO if turn % 2 == 0 and PHOTO in gallery.faces else rng.choice(worlds)
        source = rng.choice(gallery.faces[world])
        yield from (Sample(name, source, reference) for name, reference in references.items())


def _of_domain(
    figure: Figure, gallery: Gallery, name: str, seed: int, count: int
) -> Iterator[Sample]:
    rng = random.Random(f"{seed}:{figure.number}:{name}")
    sources = _sources(figure, gallery, name)
    order = zip(_shuffled(sources, rng), _shuffled(gallery.references[name], rng), strict=False)
    for source, reference in itertools.islice(order, count):
        yield Sample(name, source, reference)


def _sources(figure: Figure, gallery: Gallery, name: str) -> list[Face]:
    """Those that may be brought into a domain: photos, or faces of all others."""
    if figure.photos and gallery.faces.get(PHOTO):
        return list(gallery.faces[PHOTO])
    others = [face for world, faces in gallery.faces.items() for face in faces if world != name]
    if not others:
        raise UsageError(f"There is no source for {name} but faces of {name} itself.")
    return others


def _shuffled(things: Sequence[Face | str], rng: random.Random) -> Iterator[Face | str]:
    """All of them by chance, again and again."""
    while True:
        yield from rng.sample(list(things), len(things))
