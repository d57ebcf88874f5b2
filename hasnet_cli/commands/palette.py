"""`hasnet palette`: the colours that a picture gives as a reference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from hasnet_cli.console import Terminal, verbosity_options
from hasnet_cli.output import output_file

if TYPE_CHECKING:
    import numpy as np

SCHEMA = 1
SWATCH_SIDE = 48


@click.command("palette")
@click.argument("picture")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--png", metavar="OUT", help="Also write the swatches as a picture.")
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, picture: str, as_json: bool, png: str | None) -> None:
    """Show the 20 colours of a picture.

    They are ColorThief's, in its order, with white kept; a picture with fewer colours has them
    repeated. PICTURE may be - for standard input.
    """
    target = output_file(png, "palette.png", [picture]) if png else None

    from hasnet_models import image_io, palette

    photo = image_io.read(picture)
    colours = palette.extract(photo.rgb)
    if target:
        image_io.write(_swatches(colours), target)
    if as_json:
        listed = [{"hex": _hex(colour), "rgb": colour.tolist()} for colour in colours]
        document = {"schema": SCHEMA, "picture": photo.name, "colours": listed}
        terminal.result(json.dumps(document, ensure_ascii=False))
        return
    _print(terminal, colours)


def _hex(colour: np.ndarray) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _print(terminal: Terminal, colours: np.ndarray) -> None:
    from rich.text import Text

    console = terminal.rich()
    for colour in colours:
        code = _hex(colour)
        swatch = Text("      ", style=f"on {code}") if console.color_system else Text("")
        console.print(Text.assemble(swatch, " " if swatch else "", code))


def _swatches(colours: np.ndarray) -> np.ndarray:
    """The colours as squares in one row: uint8 (side, N * side, 3)."""
    import numpy as np

    return np.tile(np.repeat(colours, SWATCH_SIDE, axis=0), (SWATCH_SIDE, 1, 1))
