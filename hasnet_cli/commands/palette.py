"""`hasnet palette`: the colours that a picture gives as a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.output import output_file

if TYPE_CHECKING:
    import numpy as np

SWATCH_SIDE = 48


@click.command("palette")
@click.argument("picture", type=click.Path(allow_dash=True))
@json_option
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
        codes = palette.hex_codes(colours)
        listed = [
            {"hex": code, "rgb": colour.tolist()}
            for code, colour in zip(codes, colours, strict=True)
        ]
        terminal.json({"picture": photo.name, "colours": listed})
        return
    _print(terminal, palette.hex_codes(colours))


def _print(terminal: Terminal, codes: list[str]) -> None:
    from rich.text import Text

    console = terminal.rich()
    for code in codes:
        swatch = Text("      ", style=f"on {code}") if console.color_system else Text("")
        terminal.show(Text.assemble(swatch, " " if swatch else "", code))


def _swatches(colours: np.ndarray) -> np.ndarray:
    """The colours as squares in one row: uint8 (side, N * side, 3)."""
    import numpy as np

    return np.tile(np.repeat(colours, SWATCH_SIDE, axis=0), (SWATCH_SIDE, 1, 1))
