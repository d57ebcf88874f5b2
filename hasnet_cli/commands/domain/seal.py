"""`hasnet domain seal`: a trained head into a package, and its hashes anew."""

from __future__ import annotations

from pathlib import Path

import click

from hasnet_cli.console import Terminal, verbosity_options

_PATH = click.Path(path_type=Path)


@click.command("seal")
@click.argument("folder", metavar="FOLDER", type=_PATH)
@click.option("--head", metavar="FILE", type=_PATH, help="A head that `hasnet train` made.")
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, folder: Path, head: Path | None) -> None:
    """Write the hashes of a package's data anew, and put in a head.

    FOLDER is the folder of a domain's package. With --head a trained head is put into it first,
    if it fits the base network.
    """
    from hasnet_models.authoring.package import seal

    terminal.result(click.format_filename(seal(folder, head)))
