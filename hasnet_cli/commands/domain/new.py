"""`hasnet domain new`: the package of a domain that lacks its data."""

from __future__ import annotations

import click

from hasnet_cli.console import Terminal, verbosity_options
from hasnet_cli.domain_options import package_options
from hasnet_models.authoring.wanted import Wanted


@click.command("new")
@package_options
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, wanted: Wanted) -> None:
    """Write the package of a domain NAME without its data.

    `hasnet domain build NAME PICTURES` fills it, and keeps what you change in its text.
    """
    from hasnet_models.authoring.building import write_skeleton

    terminal.result(click.format_filename(write_skeleton(wanted)))
