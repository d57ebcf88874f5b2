"""The command line as a plugin of its own: hasnet's commands, and the rows of `hasnet doctor`."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from hasnet_cli.own_commands import COMMANDS, load
from hasnet_models.plugins import Check, CommandSpec, hookimpl


@hookimpl
def hasnet_commands() -> Iterator[CommandSpec]:
    """The files of `hasnet_cli.commands`, each imported when its command is used."""
    for name, line in COMMANDS.items():
        yield CommandSpec(name, line, functools.partial(load, name))


@hookimpl
def hasnet_checks() -> Iterator[Check]:
    """Versions, devices, weights, folders and settings."""
    from hasnet_cli import checks

    yield from checks.own()
