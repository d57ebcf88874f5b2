"""The subcommands of `hasnet`: our own and those of plugins, without importing any of them.

Our own are asked first: where one of them is meant, no installed plugin is looked at.
"""

from __future__ import annotations

import os

import click

from hasnet_cli import factory, settings
from hasnet_cli.console import Terminal
from hasnet_models.errors import HasnetError, PluginError
from hasnet_models.plugins import CommandSpec, Manager, Provider, hooks
from hasnet_models.plugins.manager import load

OWN, OTHERS = "Commands", "Commands of plugins"


def find(name: str) -> click.Command | None:
    """The command of that name, imported; None where there is none.

    Raises:
        PluginError: the plugin that provides it is broken.
    """
    found = _plugins().find(hooks.hasnet_commands, name)
    return _loaded(*found) if found else None


def exists(name: str) -> bool:
    """Whether there is a command of that name."""
    return _plugins().find(hooks.hasnet_commands, name) is not None


def listed() -> dict[str, dict[str, str]]:
    """Title of a section of the help -> name -> what the command does."""
    sections: dict[str, dict[str, str]] = {OWN: {}, OTHERS: {}}
    for provider, spec in _plugins().by_name(hooks.hasnet_commands).values():
        sections[OWN if provider.own else OTHERS][spec.name] = spec.help
    return {title: commands for title, commands in sections.items() if commands}


def names() -> dict[str, str]:
    """Name -> what the command does, of all."""
    return {name: help for commands in listed().values() for name, help in commands.items()}


def report_broken(terminal: Terminal) -> None:
    """Say which plugins failed so far."""
    terminal.report_plugins(_plugins().state())


def _plugins() -> Manager:
    """The plugins as the settings choose them, which are not applied before a command runs."""
    try:
        values = {name: text for name, (text, _) in settings.read_files().items()}
    except HasnetError:  # the command says so, if it needs them
        values = {}
    return factory.find_plugins({**values, **os.environ})


def _loaded(provider: Provider, spec: CommandSpec) -> click.Command:
    command = load(provider, spec)
    if not isinstance(command, click.Command):
        raise PluginError(f"'{spec.name}' of plugin {provider} is no command: {command!r:.80}.")
    return command
