"""The cells of `hasnet sheet`: avatars of some photos by some looks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hasnet_cli import factory
from hasnet_cli.console import Terminal
from hasnet_models import image_io
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import Request
from hasnet_models.avatar.steps import STAGES, stages
from hasnet_models.errors import HasnetError
from hasnet_models.sheet import caption_cell, palette_cell

Row = list[np.ndarray | None]


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
    body = [[row[0].steps.source, *(one.steps.x_tt for one in row)] for row in rows if row]
    return [heads, *body]


def stage_rows(rows: Sequence[Sequence[Portrait]], side: int) -> list[Row]:
    """A row an avatar: its reference's palette, then the stages."""
    heads: Row = [None, *(caption_cell(name, side) for name in STAGES)]
    body: list[Row] = []
    for portrait in (portrait for row in rows for portrait in row):
        cell = palette_cell(portrait.colours, portrait.reference, side)
        body.append([cell, *stages(portrait.steps)])
    return [heads, *body]
