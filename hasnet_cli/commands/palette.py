"""`hasnet palette`: the colours that a picture gives as a reference, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.output import output_file
from hasnet_cli.picture_options import backend_option, single_face_option
from hasnet_models.errors import ImageError, NoFaceError, UsageError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.filenames import first_same, is_folder
from hasnet_models.topology.zone_names import ZONES

if TYPE_CHECKING:
    import numpy as np

    from hasnet_models.controls.palette_file import Palette
    from hasnet_models.image_io import Photo

_SHOWN = 0.02  # share of a zone from which a colour is named there


@click.command("palette")
@click.argument("picture", type=click.Path(allow_dash=True))
@json_option
@click.option(
    "--png", metavar="OUT", type=click.Path(), help="Also draw the colours, zone by zone."
)
@click.option("--gpl", metavar="OUT", type=click.Path(), help="Also write them as a GIMP palette.")
@click.option("--whole", is_flag=True, help="Of the whole picture: no face is looked for.")
@single_face_option
@backend_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, picture: str, as_json: bool, png: str | None, gpl: str | None, whole: bool,
    face: FaceChoice, backend: str,
) -> None:  # fmt: skip
    """Show the 20 colours of a picture and where they lie.

    They are those that --ref takes: of the aligned face, or of the whole picture where no face is
    found or with --whole; then nothing is known of zones. They are ColorThief's, in its order, with
    white kept; a picture with fewer colours has them repeated. PICTURE may be - for standard input.
    What --json prints can be given as --palette.
    """
    target = output_file(png, "palette.png", [picture]) if png else None
    if gpl:
        _check_gpl(gpl, picture)

    from hasnet_models import image_io
    from hasnet_models.controls import palette_file

    photo = image_io.read(picture)
    found = _whole(photo) if whole else _of_face(photo, face, backend)
    for note in found.notes:
        terminal.note(note)
    if target:
        from hasnet_models.controls.swatches import swatches

        image_io.write(swatches(found.colours, found.shares), target)
    if gpl:
        from hasnet_models.atomic import write_whole

        text = palette_file.gimp_text(found.colours, photo.name)
        write_whole(Path(gpl), text.encode(), ImageError)
    if as_json:
        listed = palette_file.json_colours(found.colours, found.shares)
        terminal.json({"picture": photo.name, "colours": listed})
        return
    _print(terminal, found)


def _whole(photo: Photo, *notes: str) -> Palette:
    from hasnet_models import palette
    from hasnet_models.controls.palette_file import Palette

    return Palette(palette.extract(photo.rgb), None, notes)


def _of_face(photo: Photo, face: FaceChoice, backend: str) -> Palette:
    from hasnet_models.avatar.geometry import Geometry
    from hasnet_models.avatar.reading import palette_of
    from hasnet_models.controls.palette_file import Palette
    from hasnet_models.face.search import locate

    try:
        aligned, notes = locate(photo, face, factory.load_detector(backend))
    except NoFaceError:
        note = f"No face found in {photo.name}: these are the colours of the whole picture."
        return _whole(photo, note)
    return Palette(*palette_of(Geometry().known(aligned)), tuple(notes))


def _check_gpl(gpl: str, picture: str) -> None:
    """Refuses here what could not be written, or is the picture itself."""
    path = Path(gpl)
    if is_folder(path) or not is_folder(path.parent):
        raise UsageError(f"The palette {gpl} cannot be written: it is or needs a folder.")
    if first_same(path, [picture]):
        raise UsageError(f"{gpl} is an input; it is never written over.")


def _print(terminal: Terminal, found: Palette) -> None:
    """A line a colour: swatch, code, and where there are zones a column for each."""
    from hasnet_models.palette import hex_codes

    codes = hex_codes(found.colours)
    if found.shares is None and not terminal.may_colour():
        terminal.result("\n".join(codes))
        return

    from rich.table import Table
    from rich.text import Text

    console = terminal.rich()
    table = Table(box=None, pad_edge=False, show_header=found.shares is not None)
    for name in ("", "colour", *(() if found.shares is None else ZONES)):
        table.add_column(name, justify="right" if name in ZONES else "left", no_wrap=True)
    shares: list[np.ndarray] | np.ndarray = [[]] * len(found.colours)
    shares = shares if found.shares is None else found.shares
    for code, row in zip(codes, shares, strict=True):
        swatch = Text("      ", style=f"on {code}") if console.color_system else Text("")
        cells = (f"{share:.0%}" if share >= _SHOWN else "" for share in row)
        table.add_row(swatch, code, *cells)
    terminal.show(table)
