"""`hasnet curves`: a training run's losses as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from hasnet_cli.console import Terminal, verbosity_options
from hasnet_cli.curves import draw
from hasnet_cli.output import output_file, print_written
from hasnet_models import image_io
from hasnet_models.errors import EXIT_OK
from hasnet_models.training.metrics import read_metrics

CURVES = "curves.png"


@click.command("curves")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(), metavar="PATH", help="A file or a folder.")
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, run: Path, output: str | None) -> int:
    """Draw the losses of a training run, one panel each.

    RUN is the run's folder, or a metrics.jsonl. The picture is curves.png beside the metrics unless
    -o names a file or a folder.
    """
    found = read_metrics(run)
    folder = run if run.is_dir() else run.parent
    target = output_file(output or str(folder), CURVES)
    image_io.write(draw(found), target)
    print_written(terminal, target)
    return EXIT_OK
