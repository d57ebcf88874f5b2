"""`hasnet domain pack`: a domain's package as a wheel."""

from __future__ import annotations

from pathlib import Path

import click

from hasnet_cli.console import Terminal, verbosity_options

_PATH = click.Path(path_type=Path)


@click.command("pack")
@click.argument("folder", metavar="FOLDER", type=_PATH)
@click.option(
    "-o", "--output", metavar="DIR", type=_PATH, default=Path("dist"), help="[default: dist]"
)
@click.option("--overwrite", is_flag=True, help="Replace a wheel that is there.")
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, folder: Path, output: Path, overwrite: bool) -> None:
    """Make a wheel of a domain's package.

    FOLDER is the folder of the package, whose data are checked first; others install the wheel with
    pip. It works offline, and needs the extra hasnet[domain].
    """
    from hasnet_models.authoring.wheel import pack

    terminal.result(click.format_filename(pack(folder, output, overwrite)))
