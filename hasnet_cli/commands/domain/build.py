"""`hasnet domain build`: a folder of pictures becomes a domain that can be used at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_cli.domain_options import package_options
from hasnet_cli.options import complete_media
from hasnet_cli.picture_options import backend_option
from hasnet_models.authoring.wanted import ALIGN, COUNT, SOURCE, Pictures, Wanted

if TYPE_CHECKING:
    from hasnet_models.authoring.building import Built


@click.command("build")
@package_options
@click.argument("folder", metavar="PICTURES", type=click.Path(path_type=Path))
@click.option("--source", metavar="TEXT", default=SOURCE, help="Where the pictures come from.")
@click.option("--count", type=click.IntRange(min=2), default=COUNT, help="References at most (36).")
@click.option(
    "--medium", metavar="KIND", shell_complete=complete_media,
    help="What they are made in, such as pencil or paint; fitted to them.  [default: none]",
)  # fmt: skip
@click.option(
    "--align", type=click.Choice(ALIGN), default="detect",
    help="Find the face, keep the picture as it is, or keep it where no face is found.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Make the data of a package anew.")
@backend_option
@progress_option
@json_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, wanted: Wanted, source: str, overwrite: bool, backend: str, as_json: bool,
    **pictures: object,
) -> None:  # fmt: skip
    """Make a domain NAME out of the pictures in a folder.

    Ten pictures of faces, photographed or drawn, are enough, and nothing is trained. Each picture
    that cannot be used is named with the reason. The package holds vectors, never a picture.
    """
    from hasnet_models.authoring.building import build

    wanted = replace(wanted, source=source, overwrite=overwrite)
    built = build(
        wanted, Pictures(**pictures), lambda: factory.load_detector(backend),
        terminal.progress, terminal.say,
    )  # fmt: skip
    if as_json:
        terminal.json(_document(built))
        return
    _show(terminal, built)
    terminal.result(click.format_filename(built.folder))


def _document(built: Built) -> dict[str, object]:
    references = [
        {"name": one.name, "picture": name, "shape": one.shape is not None}
        for one, name in zip(built.found.references, built.names, strict=True)
    ]
    return {
        "output": str(built.folder),
        "pictures": built.pictures,
        "used": built.used,
        "medium": built.medium,
        "references": references,
    }


def _show(terminal: Terminal, built: Built) -> None:
    """A table of the references, and what to do next, on standard error."""
    from rich.table import Table

    table = Table("reference", "picture", "own shape", box=None)
    for one, name in zip(built.found.references, built.names, strict=True):
        table.add_row(one.name, name, "no" if one.shape is None else "yes")
    if terminal.verbosity >= 0:
        terminal.rich(stderr=True).print(table)
    count = len(built.names)
    terminal.note(f"{count} references from {built.used} faces in {built.pictures} pictures.")
    place = built.folder if built.folder.is_absolute() else f"./{built.folder.as_posix()}"
    terminal.note(f"Try: hasnet avatar me.jpg --domain {place}")
