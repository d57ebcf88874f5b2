"""`hasnet sheet`: contact sheets like the figures of a paper."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, progress_option, verbosity_options
from hasnet_cli.options import complete_domains, device_option
from hasnet_cli.output import output_file, print_written
from hasnet_models.avatar.job import Avatar, Job
from hasnet_models.avatar.request import Request
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED, HasnetError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from hasnet_models.image_io import Photo

_STAGES = ("source", "gray", "X_RT", "X_TT")
_DEFAULT_REFERENCES = ("1", "2")

Row = list["np.ndarray | None"]


@click.command("sheet")
@click.argument("photos", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", metavar="OUT", default="sheet.png", help="File or folder.")
@click.option(
    "--domain", "domains", multiple=True, metavar="NAME", shell_complete=complete_domains,
    help="A domain; may be given several times.",
)  # fmt: skip
@click.option(
    "--reference", "references", multiple=True, metavar="N|NAME|likest",
    help="Which references of each domain, several times.  [default: 1 and 2]",
)  # fmt: skip
@click.option("--ref", "refs", multiple=True, metavar="PICTURE", help="A picture as reference.")
@click.option("--stages", is_flag=True, help="A row an avatar: source, gray, X_RT, X_TT.")
@click.option("--side", type=click.IntRange(32, 512), default=256, help="Pixels of one picture.")
@device_option
@progress_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, photos: tuple[str, ...], output: str, domains: tuple[str, ...],
    references: tuple[str, ...], refs: tuple[str, ...], stages: bool, side: int, device: str,
) -> int:  # fmt: skip
    """Make a contact sheet: photos by references, or the stages.

    A row a PHOTO, a column a reference, whose palette stands above it. A photo that fails is left
    out; the exit code is 3 then, and 1 when all failed.
    """
    looks = [
        Request(domain=domain, reference=reference, device=device)
        for domain in domains
        for reference in references or _DEFAULT_REFERENCES
    ]
    looks += [Request(ref=ref, device=device) for ref in refs]
    if not looks:
        raise UsageError("Say what the avatars are to look like: --domain or --ref.")
    target = output_file(output, "sheet.png", [*photos, *refs])

    from hasnet_models import image_io
    from hasnet_models.sheet import sheet

    jobs = _jobs(looks, terminal)
    rows, failed = _rows(photos, jobs, terminal)
    if failed == len(photos):
        return EXIT_FAILED
    body = _stage_rows(rows, side) if stages else _grid(rows, jobs, side)
    image_io.write(sheet(body, side), target)
    print_written(terminal, target)
    return EXIT_SOME_FAILED if failed else EXIT_OK


def _jobs(looks: Sequence[Request], terminal: Terminal) -> list[Job]:
    """One job a column, all on one pipeline."""
    registry = factory.find_domains()
    terminal.report_plugins(registry)
    load = functools.lru_cache(maxsize=1)(factory.load_pipeline)
    return [Job.start(look, registry, load, terminal.note) for look in looks]


def _rows(
    photos: Sequence[str], jobs: Sequence[Job], terminal: Terminal
) -> tuple[list[list[Avatar]], int]:
    """The avatars of each photo, none for one that failed, and how many failed."""
    from hasnet_models import image_io

    rows, failed = [], 0
    with terminal.progress(len(photos) * len(jobs)) as advance:
        for name in photos:
            try:
                rows.append(list(_made(image_io.read(name), jobs, advance)))
            except HasnetError as error:
                terminal.say(f"{name}: {error}")
                rows.append([])
                failed += 1
    return rows, failed


def _made(photo: Photo, jobs: Sequence[Job], advance: Callable[..., None]) -> Iterator[Avatar]:
    for job in jobs:
        yield job.make(photo)
        advance()


def _grid(rows: Sequence[Sequence[Avatar]], jobs: Sequence[Job], side: int) -> list[Row]:
    from hasnet_models.sheet import caption_cell, palette_cell

    heads: Row = [None]
    for job in jobs:
        if job.fixed:
            heads.append(palette_cell(job.fixed.palette, job.fixed.name, side))
        else:
            heads.append(caption_cell(str(job.request.reference), side))
    body = [[row[0].steps.source, *(avatar.steps.x_tt for avatar in row)] for row in rows if row]
    return [heads, *body]


def _stage_rows(rows: Sequence[Sequence[Avatar]], side: int) -> list[Row]:
    from hasnet_models.sheet import caption_cell, palette_cell

    heads: Row = [None, *(caption_cell(name, side) for name in _STAGES)]
    body = []
    for avatar in (avatar for row in rows for avatar in row):
        reference, steps = avatar.reference, avatar.steps
        cell = palette_cell(reference.palette, reference.name, side)
        body.append([cell, steps.source, steps.gray, steps.x_rt, steps.x_tt])
    return [heads, *body]
