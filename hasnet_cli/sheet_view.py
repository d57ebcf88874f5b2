"""The cells of `hasnet sheet`: avatars of some photos by some looks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hasnet_cli import factory
from hasnet_cli.console import Terminal
from hasnet_cli.output import print_written
from hasnet_models import image_io
from hasnet_models.avatar import steps
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import Request
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED, HasnetError
from hasnet_models.sheet import caption_cell, palette_cell, sheet

Row = list[np.ndarray | None]


def write_sheet(
    terminal: Terminal,
    photos: Sequence[str],
    looks: Sequence[Request],
    target: str,
    side: int,
    *,
    stages: bool = False,
) -> int:
    """Make the avatars, write the sheet and print its name; gives the exit code.

    Args:
        target: from `output.output_file`.
        side: of one picture, px.
        stages: a row an avatar and a column a stage, in place of photos by looks.
    """
    jobs = start_jobs(looks, terminal)
    rows = portraits(photos, jobs, terminal)
    failed = rows.count([])
    if failed == len(photos):
        return EXIT_FAILED
    body = stage_rows(rows, side) if stages else grid(rows, jobs, side)
    image_io.write(sheet(body, side), target)
    print_written(terminal, target)
    return EXIT_SOME_FAILED if failed else EXIT_OK


def start_jobs(looks: Sequence[Request], terminal: Terminal) -> list[Job]:
    """One job a look, all on one pipeline."""
    registry = factory.find_domains()
    terminal.report_plugins(registry)
    load = functools.lru_cache(maxsize=1)(factory.load_pipeline)
    return [Job.start(look, registry, load, terminal.note) for look in looks]


def portraits(
    photos: Sequence[str], jobs: Sequence[Job], terminal: Terminal
) -> list[list[Portrait]]:
    """The avatars of each photo, none for one that failed."""
    rows: list[list[Portrait]] = []
    with terminal.progress(len(photos) * len(jobs)) as advance:
        for name in photos:
            try:
                rows.append(list(_row(name, jobs, advance)))
            except HasnetError as error:
                terminal.say(f"{name}: {error}")
                rows.append([])
    return rows


def _row(name: str, jobs: Sequence[Job], advance: Callable[..., None]) -> Iterator[Portrait]:
    photo = image_io.read(name)
    for job in jobs:
        yield job.make(photo)
        advance()


def grid(rows: Sequence[Sequence[Portrait]], jobs: Sequence[Job], side: int) -> list[Row]:
    """A row a photo, a column a look, with its palette above."""
    heads: Row = [None]
    for job in jobs:
        if job.fixed:
            heads.append(palette_cell(job.fixed.palette, job.fixed.name, side))
        else:
            heads.append(caption_cell(str(job.request.reference), side))
    body = [[row[0].steps.source, *(one.array for one in row)] for row in rows if row]
    return [heads, *body]


def stage_rows(rows: Sequence[Sequence[Portrait]], side: int) -> list[Row]:
    """A row an avatar: its reference's palette, then the stages."""
    made = [portrait for row in rows for portrait in row]
    count = max(len(steps.stages(portrait.steps)) for portrait in made)
    heads: Row = [None, *(caption_cell(name, side) for name in steps.STAGES[:count])]
    body: list[Row] = []
    for portrait in made:
        cell = palette_cell(portrait.colours, portrait.reference, side)
        body.append([cell, *steps.stages(portrait.steps)])
    return [heads, *body]
