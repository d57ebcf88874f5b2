"""`hasnet align`: the aligned face, as the networks see it."""

from __future__ import annotations

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, verbosity_options
from hasnet_cli.job import FaceMode
from hasnet_cli.output import output_file, print_written
from hasnet_models.job import stem_of


@click.command("align")
@click.argument("photo")
@click.option("-o", "--output", metavar="OUT", required=True, help="File or folder.")
@click.option("--face", type=FaceMode(), default="auto", help="Where the face is.")
@click.option(
    "--backend",
    type=click.Choice(["embedded", "insightface"]),
    default="embedded",
    help="Face detector.",
)
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, photo: str, output: str, face: str, backend: str) -> None:
    """Cut out the face as an aligned 512 px picture.

    PHOTO is a picture file, or - for standard input.
    """
    target = output_file(output, f"{stem_of(photo)}-aligned.png", [photo])

    from hasnet_models import image_io
    from hasnet_models.face import locate

    picture = image_io.read(photo)
    aligned, notes = locate(picture, face, factory.load_detector(backend))
    for note in notes:
        terminal.note(f"{picture.name}: {note}")
    image_io.write(aligned.crop, target, source=picture)
    print_written(terminal, target)
