"""The options of `avatar` and `batch` that say what an avatar is to look like."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal
from hasnet_models.job import Job, Request


class FaceMode(click.ParamType):
    """`auto`, `aligned`, or a box `x,y,w,h` in pixels."""

    name = "face"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "auto|aligned|x,y,w,h"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in ("auto", "aligned"):
            return value
        try:
            x, y, width, height = (float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"'{value}' is not auto, aligned or x,y,w,h.", param, ctx)
        if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
            self.fail(f"'{value}' is not a box: its width and height are above 0.", param, ctx)
        return value

def request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a Request to a command, which gets them as `request`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        request = Request(**{field.name: kwargs.pop(field.name) for field in fields(Request)})
        return function(*args, request=request, **kwargs)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


_OPTIONS = (
    click.option("--domain", metavar="NAME", help="A domain, or 'none' for the base network."),
    click.option("--ref", metavar="PICTURE", help="A picture whose look is taken."),
    click.option(
        "--reference",
        metavar="N|NAME|likest|random",
        help="Which reference of the domain.  [default: likest]",
    ),
    click.option("--seed", type=int, help="Seed of --reference random."),
    click.option("--face", type=FaceMode(), default="auto", help="Where the face is."),
    click.option("--ref-face", type=FaceMode(), default="auto", help="The same for --ref."),
    click.option("--device", default="auto", metavar="auto|cpu|cuda|mps", help="Where to compute."),
    click.option(
        "--backend",
        type=click.Choice(["embedded", "insightface"]),
        default="embedded",
        help="Face detector.",
    ),
    click.option("--paste/--crop", help="Give the whole photo, or the 512 px avatar (default)."),
)


def start_job(request: Request, terminal: Terminal) -> Job:
    """The request made ready, with the installed domains and this program's pipeline.

    Raises:
        HasnetError: of the kind that fits.
    """
    request.check()
    registry = factory.find_domains()
    terminal.report_plugins(registry)
    return Job.start(request, registry, factory.load_pipeline, terminal.note)
