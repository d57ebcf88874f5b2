"""`hasnet avatar`: one photo, one avatar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hasnet_cli.console import Terminal, verbosity_options
from hasnet_cli.job import request_options, start_job
from hasnet_cli.output import output_file, print_written
from hasnet_models.errors import UsageError
from hasnet_models.job import Request, stem_of

if TYPE_CHECKING:
    from hasnet_models.pipeline import Steps


@click.command("avatar")
@click.argument("photo")
@click.option("-o", "--output", metavar="OUT", help="File or folder.  [default: PHOTO-DOMAIN.png]")
@click.option("--steps-out", metavar="PATH", help="Also write crop, gray, X_RT, X_TT side by side.")
@request_options
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, photo: str, output: str | None, steps_out: str | None, request: Request
) -> None:
    """Make an avatar of the face in a photo.

    PHOTO is a picture file, or - for standard input. The look comes from a domain (--domain), from
    a picture of your own (--ref), or from both: the picture's colours and identity with the
    domain's network.
    """
    request.check()
    inputs = [path for path in (photo, request.ref) if path is not None]
    stem = stem_of(photo)
    target = output_file(output, f"{stem}-{request.label}.png", inputs)
    steps_target = output_file(steps_out, f"{stem}-steps.png", inputs) if steps_out else None
    if target == steps_target:
        raise UsageError("The avatar and its steps need two different files.")

    from hasnet_models import image_io

    picture = image_io.read(photo)
    job = start_job(request, terminal)
    avatar = job.make(picture)
    for note in avatar.notes:
        terminal.note(f"{picture.name}: {note}")
    terminal.detail(f"Reference {avatar.reference.name}.")
    image_io.write(avatar.picture, target, metadata=avatar.metadata(), source=picture)
    if steps_target:
        _write_steps(avatar.steps, steps_target)
    print_written(terminal, target)


def _write_steps(steps: Steps, path: str) -> None:
    import numpy as np

    from hasnet_models import image_io

    row = np.concatenate([steps.source, steps.gray, steps.x_rt, steps.x_tt], axis=1)
    image_io.write(row, path)
