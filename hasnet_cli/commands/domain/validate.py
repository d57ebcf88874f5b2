"""`hasnet domain validate`: is a domain's package sound?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.options import complete_domains
from hasnet_models.errors import EXIT_OK
from hasnet_models.plugins import FAILED, NOTE, OK
from hasnet_models.plugins.folder import package_in, package_of
from hasnet_models.plugins.naming import folder_of, is_path

_MARKS = {OK: "✓", NOTE: "!", FAILED: "✗"}


@click.command("validate")
@click.argument("package", metavar="PATH|NAME", shell_complete=complete_domains)
@json_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, package: str, as_json: bool) -> int:
    """Check the package of a domain and print a line a check.

    PATH is a package's folder or the plugin's folder around it: its manifest, safetensors files and
    texts are read and none of its code is run, so a package can be looked at before it is
    installed. NAME is an installed domain. The exit code is 0 when all is well, 6 when something is
    refused; a line that begins with ! is worth knowing and fails nothing.
    """
    from hasnet_models.plugins.validation import validate

    checks = validate(_package(package))
    failed = [check for check in checks if check.status == FAILED]
    if as_json:
        terminal.json({"ok": not failed, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            terminal.result(f"{_MARKS[check.status]} {check.name}: {check.detail}")
    return failed[0].exit_code if failed else EXIT_OK


def _package(named: str) -> Path:
    """The folder with the manifest, of a path or an installed domain.

    Raises:
        DomainError: there is none.
    """
    if is_path(named) or Path(named).is_dir():
        return package_in(folder_of(named))
    return package_of(factory.find_domains().get(named))
