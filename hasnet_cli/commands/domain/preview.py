"""`hasnet domain preview`: a sheet of a domain's references by photos."""

from __future__ import annotations

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, progress_option, verbosity_options
from hasnet_cli.example import example_portrait
from hasnet_cli.options import complete_domains, device_option, look_options
from hasnet_cli.output import output_file
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import Request


@click.command("preview")
@click.argument("domain", metavar="NAME|./FOLDER", shell_complete=complete_domains)
@click.argument("photos", nargs=-1, type=click.Path())
@click.option("-o", "--output", metavar="OUT", help="File or folder.  [default: NAME-preview.jpg]")
@click.option("--count", type=click.IntRange(min=1), default=6, help="References at most (6).")
@click.option("--side", type=click.IntRange(32, 512), default=256, help="Pixels of one picture.")
@look_options
@device_option
@progress_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, domain: str, photos: tuple[str, ...], output: str | None, count: int,
    side: int, device: str, look: Look,
) -> int:  # fmt: skip
    """Make a sheet: photos by references of a domain, spread evenly over all.

    Without PHOTOS an example portrait (NASA, public domain) is taken. A photo that fails is left
    out; the exit code is 3 then, and 1 when all failed.
    """
    from hasnet_models.authoring.selection import spread_out

    names = factory.find_domains().get(domain).reference_names
    looks = [
        Request(domain=domain, reference=name, device=device, look=look)
        for name in spread_out(names, count)
    ]
    default = f"{looks[0].label}-preview.jpg"
    target = output_file(output, default, [*photos, *look.files])

    from hasnet_cli.sheet_view import write_sheet

    return write_sheet(terminal, photos or (example_portrait(),), looks, target, side)
