"""`hasnet report`: a page that shows what became of a batch."""

from __future__ import annotations

from pathlib import Path

import click

from hasnet_cli.console import Terminal, verbosity_options
from hasnet_models.errors import UsageError


@click.command("report")
@click.argument("outdir", type=click.Path(path_type=Path))
@click.option(
    "--photos", type=click.Path(path_type=Path), metavar="DIR",
    help="The batch's input folder, to show each photo beside its avatar.",
)  # fmt: skip
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, outdir: Path, photos: Path | None) -> None:
    """Make a page that shows what became of a batch.

    OUTDIR is the output folder of `hasnet batch`; its results.jsonl becomes OUTDIR/report.html, one
    file with its pictures in it: each avatar over its photo with a slider, palette, reference,
    seconds, and the failures with their reasons.
    """
    if photos and not photos.is_dir():
        raise UsageError(f"{photos} is not a folder.")

    from hasnet_cli.page import write_batch_page

    terminal.result(click.format_filename(write_batch_page(outdir, photos)))
