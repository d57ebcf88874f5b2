"""`hasnet align`: the aligned face, as the networks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.output import check_streams, output_file, print_written
from hasnet_cli.picture_options import backend_option, quality_option, single_face_option
from hasnet_models.face.choice import FaceChoice
from hasnet_models.filenames import fitting, stem_of

if TYPE_CHECKING:
    from hasnet_models.face.types import AlignedFace


@click.command("align")
@click.argument("photo", type=click.Path(allow_dash=True))
@click.option(
    "-o", "--output", metavar="OUT", required=True, type=click.Path(allow_dash=True),
    help="File or folder.",
)  # fmt: skip
@single_face_option
@backend_option
@quality_option
@json_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, photo: str, output: str, face: FaceChoice, backend: str, quality: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Cut out the face as an aligned 512 px picture.

    PHOTO is a picture file, or - for standard input.
    """
    check_streams(output, as_json)
    target = output_file(output, fitting(stem_of(photo), "-aligned.png"), [photo])

    from hasnet_models import image_io
    from hasnet_models.face.search import locate

    picture = image_io.read(photo)
    aligned, notes = locate(picture, face, factory.load_detector(backend))
    for note in notes:
        terminal.note(f"{picture.name}: {note}")
    image_io.write(aligned.crop, target, quality=quality, source=picture)
    print_written(terminal, target, _facts(aligned, notes) if as_json else None)


def _facts(aligned: AlignedFace, notes: list[str]) -> dict[str, Any]:
    """Where the face lies in the photo; `matrix` maps the photo's pixels to the crop's."""
    face = aligned.face
    found = face and {
        "box": face.box.tolist(),
        "landmarks": face.landmarks.tolist(),
        "score": face.score,
    }
    return {"matrix": aligned.matrix.tolist(), "face": found, "notes": notes}
