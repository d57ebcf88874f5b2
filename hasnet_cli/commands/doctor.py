"""`hasnet doctor`: is this installation sound?"""

from __future__ import annotations

from dataclasses import asdict

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options


@click.command("doctor")
@json_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, as_json: bool) -> int:
    """Check this installation and print a report to paste.

    Versions, devices (a small forward pass on each), weights with hashes and licences, plugins
    (broken ones with the whole reason), folders, settings, and what plugins add. The exit code is
    0 when nothing failed, else that of the first failure: 5 weights, 6 a plugin, 7 a device, 2 the
    settings, 1 the rest.
    """
    from hasnet_cli import checks

    rows = checks.examine(factory.find_plugins())
    code = checks.exit_code(rows)
    if as_json:
        terminal.json({"ok": code == 0, "checks": [asdict(check) for check in rows]})
    else:
        terminal.result(checks.report(rows))
    return code
