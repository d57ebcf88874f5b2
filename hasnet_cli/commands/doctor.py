"""`hasnet doctor`: is this installation sound?"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hasnet_cli import settings
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_models.errors import EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from hasnet_cli.checks import Check


@click.command("doctor")
@json_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, as_json: bool) -> int:
    """Check this installation and print a report to paste.

    Versions, devices (a small forward pass on each), weights with hashes and licences, plugins
    (broken ones with the whole reason), settings, folders. The exit code is 0 when nothing failed,
    else that of the first failure: 5 weights, 6 a plugin, 7 a device, 2 the settings, 1 the rest.
    """
    from hasnet_cli import checks

    rows = [*checks.examine(), *_settings()]
    code = checks.exit_code(rows)
    if as_json:
        terminal.json({"ok": code == 0, "checks": [asdict(check) for check in rows]})
    else:
        terminal.result(checks.report(rows))
    return code


def _settings() -> list[Check]:
    """Where each setting comes from: the environment as it was, or a file."""
    from hasnet_cli.checks import FAILED, OK, Check

    try:
        files = settings.read_files()
    except UsageError as error:
        return [Check("settings", "files", FAILED, str(error), EXIT_USAGE)]
    found = []
    for name in sorted(settings.variable(key) for key in settings.KEYS):
        if value := os.environ.get(name):
            text, path = files.get(name, ("", None))
            origin = f"from {path}" if text == value else "from the environment"
            found.append(Check("settings", name, OK, f"{value} ({origin})"))
    return found
