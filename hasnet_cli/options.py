"""The options of `avatar` and `batch` that say what an avatar is to look like."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click
from click.shell_completion import CompletionItem

from hasnet_cli import factory
from hasnet_cli.console import Terminal
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import LIKEST, NO_DOMAIN, RANDOM, Request
from hasnet_models.errors import HasnetError
from hasnet_models.plugins import hooks


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


class FaceChoice(FaceMode):
    """One of the faces of a photo, or all: what FaceMode takes, and the choices among several."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "largest|all|N|like:IMG|auto|aligned|x,y,w,h"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in ("largest", "all") or value.startswith("like:"):
            return value
        if value.isdecimal():
            if int(value) == 0:
                self.fail("Faces are numbered from the left to the right, from 1.", param, ctx)
            return str(int(value))
        return super().convert(value, param, ctx)


class DetectorName(click.ParamType):
    """A face detector, hasnet's own or a plugin's; plugins are looked at only for theirs."""

    name = "detector"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "embedded|insightface|NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        manager = factory.find_plugins()
        if not manager.find(hooks.hasnet_detectors, value):
            names = ", ".join(manager.by_name(hooks.hasnet_detectors))
            if ctx:
                ctx.ensure_object(Terminal).report_plugins(manager.state())
            self.fail(f"'{value}' is no face detector; there are {names}.", param, ctx)
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        names = factory.find_plugins().by_name(hooks.hasnet_detectors)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_domains(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The installed domains, for the shell."""
    names = {domain.name for domain in factory.find_domains().domains} | {NO_DOMAIN}
    return sorted(name for name in names if name.startswith(incomplete))


def complete_references(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The references of the domain that stands on the line already, for the shell."""
    names = [LIKEST, RANDOM]
    with contextlib.suppress(HasnetError):
        domain = factory.find_domains().get(str(ctx.params.get("domain")))
        names += domain.reference_names
    return [name for name in names if name.startswith(incomplete)]


device_option = click.option(
    "--device",
    default="auto",
    envvar="HASNET_DEVICE",
    show_envvar=True,
    metavar="auto|cpu|cuda|mps",
    help="Where to compute.",
)
backend_option = click.option(
    "--backend",
    type=DetectorName(),
    default="embedded",
    envvar="HASNET_BACKEND",
    show_envvar=True,
    help="Face detector.",
)


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
    click.option(
        "--domain",
        metavar="NAME",
        envvar="HASNET_DOMAIN",
        show_envvar=True,
        shell_complete=complete_domains,
        help="A domain, or 'none' for the base network.",
    ),
    click.option(
        "--ref", metavar="PICTURE", type=click.Path(), help="A picture whose look is taken."
    ),
    click.option(
        "--reference",
        metavar="N|NAME|likest|random",
        shell_complete=complete_references,
        help="Which reference of the domain.  [default: likest]",
    ),
    click.option("--seed", type=int, help="Seed of --reference random."),
    click.option("--face", type=FaceChoice(), default="auto", help="Which face, or where it is."),
    click.option("--ref-face", type=FaceMode(), default="auto", help="The same for --ref."),
    device_option,
    backend_option,
    click.option("--paste/--crop", help="Give the whole photo, or the 512 px avatar (default)."),
    click.option("--size", type=int, metavar="PX", help="Side of the avatar.  [default: 512]"),
    click.option(
        "--strength", type=float, default=1.0, help="0: colours only, 1: the whole effect."
    ),
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
