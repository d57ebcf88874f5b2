"""Options of commands that take a picture with a face, such as `palette`.

They are apart from `options`, which knows all that an avatar may be asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import click
from click.shell_completion import CompletionItem

from hasnet_cli import factory
from hasnet_cli.console import Terminal
from hasnet_models.errors import UsageError
from hasnet_models.face import backends
from hasnet_models.face.choice import KINDS, LIKE, SINGLE, FaceChoice


class FaceType(click.ParamType):
    """Which face of a picture, or where it is: a `FaceChoice` of some kinds."""

    name = "face"

    def __init__(self, kinds: Collection[str] = KINDS) -> None:
        self.kinds = kinds

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "|".join(f"{kind}IMG" if kind == LIKE else kind for kind in self.kinds)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> FaceChoice:
        if isinstance(value, FaceChoice):
            return value
        try:
            return FaceChoice.parse(value, self.kinds)
        except UsageError as error:
            self.fail(str(error), param, ctx)


class DetectorName(click.ParamType):
    """A face detector, hasnet's own or a plugin's; plugins are looked at only for theirs."""

    name = "detector"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "embedded|insightface|NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in backends.OWN:
            return value
        from hasnet_models.plugins import hooks

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
        from hasnet_models.plugins import hooks

        names = factory.find_plugins().by_name(hooks.hasnet_detectors)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


backend_option = click.option(
    "--backend",
    type=DetectorName(),
    default="embedded",
    envvar="HASNET_BACKEND",
    show_envvar=True,
    help="Face detector.",
)
single_face_option = click.option(
    "--face", type=FaceType(SINGLE), default="auto", help="Where the face is."
)
quality_option = click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    envvar="HASNET_QUALITY",
    show_envvar=True,
    help="Of JPEG, WebP, AVIF and HEIC.  [default: 95]",
)
