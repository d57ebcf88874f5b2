"""Options that several commands have."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click
from click.shell_completion import CompletionItem

from hasnet_cli import factory
from hasnet_cli.picture_options import FaceType, backend_option
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import LIKEST, NO_DOMAIN, RANDOM, Request
from hasnet_models.controls.background_choice import Background
from hasnet_models.controls.mix_choice import MixChoice
from hasnet_models.controls.zone_choice import parse_colours, parse_keep
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.face.choice import SINGLE
from hasnet_models.restoring import choice as restoring
from hasnet_models.runtimes.names import RUNTIMES


def complete_domains(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str] | list[CompletionItem]:
    """The installed domains, or folders where the path of one is begun, for the shell."""
    from hasnet_models.plugins.naming import is_path

    if is_path(incomplete):
        return [CompletionItem(incomplete, type="dir")]
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


def complete_media(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The kinds of media, for the shell."""
    from hasnet_models.plugins import hooks
    from hasnet_models.plugins.specs import NO_MEDIUM

    names = [*factory.find_plugins().by_name(hooks.hasnet_media), NO_MEDIUM]
    return [name for name in names if name.startswith(incomplete)]


device_option = click.option(
    "--device",
    default="auto",
    envvar="HASNET_DEVICE",
    show_envvar=True,
    metavar="auto|cpu|cuda|mps",
    help="Where to compute.",
)
runtime_option = click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="auto",
    envvar="HASNET_RUNTIME",
    show_envvar=True,
    help="What computes: auto is onnx on a CPU.",
)

restore_option = click.option(
    "--restore",
    default=restoring.DEFAULT,
    metavar="auto|off|FILE.onnx",
    help=f"Make small and blurred faces better first.  [default: {restoring.DEFAULT}]",
)


def read_by(parse: Callable[[Any], Any]) -> Callable[..., Any]:
    """A callback of click's that reads a value, if there is one, by a function of the library."""

    def callback(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        try:
            return None if value is None else parse(value)
        except UsageError as error:
            raise click.BadParameter(str(error), ctx, parameter) from error

    return callback


_LOOK_OPTIONS = (
    click.option(
        "--strength", type=float, default=1.0, help="0: colours only, 1: the whole effect."
    ),
    click.option(
        "--shape", type=float, metavar="0..1.5",
        help="How far the face takes the reference's shape.  [default: the domain's]",
    ),
    click.option(
        "--palette", metavar="FILE", type=click.Path(),
        help="Colours in place of the reference's: a GIMP palette, JSON, or a picture.",
    ),
    click.option(
        "--colour", multiple=True, metavar="ZONE=#rrggbb", callback=read_by(parse_colours),
        help="Colour of skin, lips, eyes, hair, clothes or background; several times.",
    ),
    click.option(
        "--keep", multiple=True, metavar="ZONES", callback=read_by(parse_keep),
        help="Keep the photo's own colours of skin, lips, eyes, hair or all.",
    ),
    click.option(
        "--background", default="keep", metavar="keep|transparent|blur|#rrggbb|FILE",
        callback=read_by(Background.parse), help="What is behind the person.  [default: keep]",
    ),
    click.option(
        "--appearance", type=float, metavar="0..1",
        help="How far its colours go where the reference's face has them.  [default: 0.8]",
    ),
    click.option(
        "--medium", type=float, metavar="0..1.5",
        help="How strongly strokes, lines, paper and grain are laid.  [default: 1]",
    ),
    click.option(
        "--medium-kind", metavar="NAME|none", shell_complete=complete_media,
        help="What it is made in, such as pencil or paint.  [default: the domain's]",
    ),
)  # fmt: skip


def look_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a Look to a command, which gets them as `look`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        look = Look(**{field.name: kwargs.pop(field.name) for field in fields(Look)})
        return function(*args, look=look, **kwargs)

    for option in reversed(_LOOK_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


def request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a Request to a command, which gets them as `request`."""
    return request_options_of(paste=False)(function)


def request_options_of(*, paste: bool) -> Callable[..., Any]:
    """As `request_options`, for a command that gives the whole picture by default, or the face."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            names = {field.name for field in (*fields(Request), *fields(Look))} - {"look"}
            request = Request.of(**{name: kwargs.pop(name) for name in names})
            return function(*args, request=request, **kwargs)

        for option in reversed((*_OPTIONS, *_frame_options(paste), *_LOOK_OPTIONS)):
            wrapper = option(wrapper)
        return wrapper

    return add


def _frame_options(paste: bool) -> tuple[Callable[..., Any], ...]:
    """What of the picture is given."""
    whole, face = ("the whole picture (default)", "the 512 px avatar") if paste else (
        "the whole photo", "the 512 px avatar (default)"
    )
    return (
        click.option("--paste/--crop", default=paste, help=f"Give {whole}, or {face}."),
        click.option("--size", type=int, metavar="PX", help="Side of the avatar.  [default: 512]"),
        click.option(
            "--medium-all", is_flag=True, help="With --paste: the medium covers the whole photo."
        ),
    )


_OPTIONS = (
    click.option(
        "--domain",
        metavar="NAME|./FOLDER",
        envvar="HASNET_DOMAIN",
        show_envvar=True,
        shell_complete=complete_domains,
        help="A domain, the ./folder of one, or 'none' for the base network.",
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
    click.option(
        "--mix", metavar="REFERENCE:WEIGHT,...", callback=read_by(MixChoice.parse),
        help="Several references of the domain in place of one.",
    ),
    click.option("--seed", type=int, help="Seed of --reference random."),
    click.option("--face", type=FaceType(), default="auto", help="Which face, or where it is."),
    click.option(
        "--ref-face", type=FaceType(SINGLE), default="auto", help="The same for --ref."
    ),
    device_option,
    runtime_option,
    backend_option,
    restore_option,
)

