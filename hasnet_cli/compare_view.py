"""The figures of `hasnet compare`: their samples drawn, their cells made, their sheets written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hasnet_cli import factory
from hasnet_cli.compare_peers import Peer, universal
from hasnet_cli.console import Terminal
from hasnet_models import image_io
from hasnet_models.atomic import write_whole
from hasnet_models.errors import HasnetError
from hasnet_models.figures.cells import Maker, Outputs
from hasnet_models.figures.gallery import Face, Gallery
from hasnet_models.figures.layout import figure_sheet
from hasnet_models.figures.plan import FIGURES, OTHERS, REFERENCE, SOURCE, Figure, Sample, draw

PAIRS = "pairs.csv"

Other = Outputs | Peer
Cells = dict[str, NDArray[np.uint8] | None]
Made = list[tuple[Sample, Cells]]
Body = tuple[list[str], list[str], list[list[NDArray[np.uint8] | None]]]


@dataclass(frozen=True)
class CompareOptions:
    """What is drawn, and how."""

    out: Path
    figures: tuple[int, ...]
    domains: tuple[str, ...]
    samples: int | None
    seed: int
    side: int
    cells: bool
    peers: bool
    device: str


def compare(
    gallery: Gallery, others: Sequence[Outputs], options: CompareOptions, terminal: Terminal
) -> tuple[int, int]:
    """Write the sheets; gives how many samples failed, and how many did not.

    Raises:
        HasnetError: nothing can be drawn or written.
    """
    drawn = {
        number: draw(FIGURES[number], gallery, options.seed, options.domains, options.samples)
        for number in options.figures
    }
    _write_pairs(drawn, _folder(options.out))
    maker = Maker(factory.find_domains(), factory.load_pipeline, options.device, terminal.detail)
    failed = made = 0
    with terminal.progress(sum(map(len, drawn.values()))) as advance:
        for number, samples in drawn.items():
            figure = FIGURES[number]
            with _beside(figure, maker, others, options, terminal) as beside:
                rows = list(_rows(figure, samples, maker, beside, terminal, advance))
            failed, made = failed + len(samples) - len(rows), made + len(rows)
            _say_missing(figure, [sample for sample, _ in rows], beside, terminal)
            if rows:
                _write(figure, rows, options, terminal)
    return failed, made


@contextmanager
def _beside(
    figure: Figure, maker: Maker, others: Sequence[Outputs], options: CompareOptions,
    terminal: Terminal,
) -> Iterator[Sequence[Other]]:  # fmt: skip
    """Who stands among the others in a figure: those of `hasnet eval`, then those given."""
    if not (figure.universal and options.peers):
        yield others
        return
    given = {other.name for other in others}
    with universal(maker, terminal.note) as peers:
        yield [*(peer for peer in peers if peer.name not in given), *others]


def _rows(
    figure: Figure, samples: Sequence[Sample], maker: Maker, others: Sequence[Other],
    terminal: Terminal, advance: Callable[[], None],
) -> Iterator[tuple[Sample, Cells]]:  # fmt: skip
    """What is shown of each sample; one that fails is left out."""
    for sample in samples:
        try:
            yield sample, _cells(figure, sample, maker, others, terminal)
        except HasnetError as error:
            terminal.say(f"Figure {figure.number}, {sample.name}: {error}")
        advance()


def _cells(
    figure: Figure, sample: Sample, maker: Maker, others: Sequence[Other], terminal: Terminal
) -> Cells:
    cells: Cells = {}
    columns = (SOURCE, REFERENCE, *figure.columns) if figure.grid else figure.columns
    for column in columns:
        if column == OTHERS:
            cells |= {other.name: _of_other(other, sample, terminal) for other in others}
        else:
            cells[column] = maker.cell(sample, column)
    return cells


def _of_other(other: Other, sample: Sample, terminal: Terminal) -> NDArray[np.uint8] | None:
    """What another system made of it; a picture that cannot be read is that cell's fault alone."""
    try:
        return other.cell(sample)
    except HasnetError as error:
        terminal.say(f"{other.name}, {sample.name}: {error}")
        return None


def _write(figure: Figure, rows: Made, options: CompareOptions, terminal: Terminal) -> None:
    columns, captions, body = (_grid if figure.grid else _table)(rows)
    if figure.lying:
        columns, captions, body = captions, columns, [list(row) for row in zip(*body, strict=True)]
    title = f"Figure {figure.number}: {figure.title}"
    path = options.out / f"figure-{figure.number}.png"
    image_io.write(figure_sheet(title, columns, captions, body, options.side), path)
    if options.cells:
        _write_cells(rows, _folder(options.out / path.stem))
    terminal.result(str(path))


def _table(rows: Made) -> Body:
    """A row a sample: captions of columns and rows, and the pictures."""
    return (
        list(rows[0][1]),
        [sample.domain for sample, _ in rows],
        [list(cells.values()) for _, cells in rows],
    )


def _grid(rows: Made) -> Body:
    """The sources by the domains, whose references stand above."""
    heads = {sample.domain: cells[REFERENCE] for sample, cells in rows}
    sources = {sample.source: cells[SOURCE] for sample, cells in rows}
    found = {(sample.source, sample.domain): [*cells.values()][-1] for sample, cells in rows}
    body = [[sources[s], *(found.get((s, name)) for name in heads)] for s in sources]
    captions = [REFERENCE, *(source.domain for source in sources)]
    return [SOURCE, *heads], captions, [[None, *heads.values()], *body]


def _write_cells(rows: Made, folder: Path) -> None:
    """A folder a column, a picture a sample, as `hasnet study` and --outputs read them."""
    for sample, cells in rows:
        for column, picture in cells.items():
            if picture is not None:
                # a caption may be anything, a folder's name may not
                place = _folder(folder / column.replace("/", "-"))
                image_io.write(picture, place / f"{sample.name}.png")


def _say_missing(
    figure: Figure, samples: Sequence[Sample], others: Sequence[Other], terminal: Terminal
) -> None:
    for other in others if OTHERS in figure.columns else ():
        if missing := other.missing(samples):
            terminal.note(
                f"Figure {figure.number}: {other.name} lacks {len(missing)} of {len(samples)} "
                f"pictures, such as {missing[0]}.png."
            )


def _write_pairs(drawn: dict[int, list[Sample]], out: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("figure", "name", "domain", "source", "reference"))
    for number, samples in drawn.items():
        for one in samples:
            of = one.reference.path if isinstance(one.reference, Face) else one.reference
            writer.writerow((number, one.name, one.domain, one.source.path, of))
    write_whole(out / PAIRS, text.getvalue().encode(errors="backslashreplace"), HasnetError)


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HasnetError(f"The folder {path} cannot be made: {error.strerror}.") from error
    return path
