"""`hasnet compare`: the paper's figures as sheets, with these networks and these faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hasnet_cli.console import Terminal, progress_option, verbosity_options
from hasnet_cli.options import complete_domains, device_option
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from hasnet_models.figures.gallery import Gallery

PATH = click.Path(path_type=Path)
NUMBERS = ("5", "7", "8", "9", "10")


@click.command("compare")
@click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="FACES|PHOTOS...")
@click.option("-o", "--output", "out", type=PATH, required=True, metavar="DIR", help="Folder.")
@click.option(
    "--figure", "figures", type=click.Choice(NUMBERS), multiple=True,
    help="One of them; several times.  [default: all]",
)  # fmt: skip
@click.option(
    "--domain", "domains", multiple=True, metavar="NAME", shell_complete=complete_domains,
    help="Domains in place of the figure's; several times.",
)  # fmt: skip
@click.option(
    "--references", type=PATH, metavar="FACES", help="Reference pictures for photos of your own."
)
@click.option("--outputs", type=PATH, multiple=True, metavar="DIR", help="Of another system.")
@click.option("--name", "names", multiple=True, metavar="NAME", help="Its caption.")
@click.option(
    "--samples", type=click.IntRange(1, 50),
    help="Of each domain; in figure 10, rows.  [default: the figure's]",
)  # fmt: skip
@click.option("--split", default="val", help="Of FACES.  [default: val]")
@click.option("--seed", type=int, default=0, help="All that is drawn follows from it.")
@click.option("--side", type=click.IntRange(64, 512), default=192, help="Pixels of one picture.")
@click.option("--cells", is_flag=True, help="Also write each picture, as `hasnet study` reads it.")
@click.option(
    "--peers/--no-peers", default=True, help="Universal style transfer in figure 7.  [default: on]"
)
@device_option
@progress_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, inputs: tuple[Path, ...], references: Path | None,
    outputs: tuple[Path, ...], names: tuple[str, ...], split: str, figures: tuple[str, ...],
    **values: object,
) -> int:  # fmt: skip
    """Make the paper's figures 5, 7, 8, 9 and 10 with these networks.

    FACES is a folder of aligned faces with an index.tsv, whose pictures are sources and references.
    PHOTOS are sources of your own; references are the domains' own then, or pictures of
    --references. Figure 7 has the universal methods that `hasnet eval` compares. DIR gets
    figure-N.png and pairs.csv, which names every sample: pictures of another system that are called
    so become a further column by --outputs and --name.
    """
    if len(outputs) != len(names):
        raise UsageError("Each --outputs DIR needs a --name, in the same order.")
    numbers = tuple(int(number) for number in figures or NUMBERS)

    from hasnet_cli import compare_view
    from hasnet_models.figures.cells import Outputs

    options = compare_view.CompareOptions(figures=numbers, **values)
    gallery = _gallery(terminal, inputs, references, split)
    others = [Outputs.read(folder, name) for folder, name in zip(outputs, names, strict=True)]
    failed, made = compare_view.compare(gallery, others, options, terminal)
    if not made:
        return EXIT_FAILED
    return EXIT_SOME_FAILED if failed else EXIT_OK


def _gallery(
    terminal: Terminal, inputs: tuple[Path, ...], references: Path | None, split: str
) -> Gallery:
    """Sources and references of what was given."""
    from hasnet_cli import factory
    from hasnet_models.figures.gallery import Gallery, is_faces, read_faces, read_photos

    registry = factory.find_domains()
    terminal.report_plugins(registry)
    domains = {domain.name: domain.reference_names for domain in registry.domains}
    if len(inputs) == 1 and is_faces(inputs[0]):
        faces = read_faces(inputs[0], split, domains)
        if references is None:
            return Gallery(faces, faces)
    else:
        faces = read_photos(inputs)
    return Gallery(faces, read_faces(references, split, domains) if references else domains)
