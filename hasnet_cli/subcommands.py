"""The subcommands of `hasnet`: our own and those of plugins, without importing any of them.

Our own are asked first: where one of them is meant, no installed plugin is looked at. For help and
completion the plugins' answers of an earlier process serve, while they are the same (`kept`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import click

from hasnet_cli import kept, own_commands, settings
from hasnet_cli.console import Terminal
from hasnet_cli.own_commands import COMMANDS
from hasnet_models.errors import HasnetError, PluginError

if TYPE_CHECKING:
    from hasnet_models.plugins import CommandSpec, Manager, Provider, Registry

OWN, OTHERS = "Commands", "Commands of plugins"
_KEPT = "commands"


class Listing(NamedTuple):
    """Title of a section of the help -> name -> what the command does; and what failed.

    ``state`` is None where no plugin was asked, as all that they say was kept.
    """

    sections: dict[str, dict[str, str]]
    state: Registry | None


def find(name: str) -> click.Command | None:
    """The command of that name, imported; None where there is none.

    Raises:
        PluginError: the plugin that provides it is broken.
    """
    if name in COMMANDS:
        return own_commands.load(name)
    found = _found(name)
    return _loaded(*found) if found else None


def exists(name: str) -> bool:
    """Whether there is a command of that name."""
    return name in COMMANDS or _found(name) is not None


def listed() -> Listing:
    """All commands; those of plugins are asked for where nothing was kept."""
    environ = _environ()
    others = kept.read(_KEPT, environ)
    state = None
    if others is None:
        others, state = _asked(environ)
    sections = {OWN: COMMANDS, OTHERS: others}
    return Listing({title: names for title, names in sections.items() if names}, state)


def names() -> dict[str, str]:
    """Name -> what the command does, of all."""
    return {name: line for lines in listed().sections.values() for name, line in lines.items()}


def report_broken(terminal: Terminal) -> None:
    """Say which plugins failed so far."""
    terminal.report_plugins(_plugins(_environ()).state())


def _asked(environ: Mapping[str, str]) -> tuple[dict[str, str], Registry]:
    """What plugins say now; it is kept where all of them could be asked."""
    from hasnet_models.plugins import hooks

    manager = _plugins(environ)
    found = manager.by_name(hooks.hasnet_commands).values()
    others = {spec.name: spec.help for provider, spec in found if not provider.own}
    state, files = manager.state(), manager.files()
    if state.sound and files is not None:
        kept.write(_KEPT, environ, others, files)
    return others, state


def _found(name: str) -> tuple[Provider, CommandSpec] | None:
    from hasnet_models.plugins import hooks

    return _plugins(_environ()).find(hooks.hasnet_commands, name)


def _environ() -> Mapping[str, str]:
    """The variables as the settings have them, which are not applied before a command runs."""
    try:
        values = {name: text for name, (text, _) in settings.read_files().items()}
    except HasnetError:  # the command says so, if it needs them
        values = {}
    return {**values, **os.environ}


def _plugins(environ: Mapping[str, str]) -> Manager:
    from hasnet_cli import factory

    return factory.find_plugins(environ)


def _loaded(provider: Provider, spec: CommandSpec) -> click.Command:
    from hasnet_models.plugins.manager import load

    command = load(provider, spec)
    if not isinstance(command, click.Command):
        raise PluginError(f"'{spec.name}' of plugin {provider} is no command: {command!r:.80}.")
    return command
