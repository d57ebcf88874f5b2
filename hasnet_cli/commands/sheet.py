"""`hasnet sheet`: contact sheets like the figures of a paper."""

from __future__ import annotations

import click

from hasnet_cli.console import Terminal, progress_option, verbosity_options
from hasnet_cli.options import (
    complete_domains,
    device_option,
    look_options,
    read_by,
    restore_option,
    runtime_option,
)
from hasnet_cli.output import output_file
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import Request
from hasnet_models.controls.mix_choice import MixChoice
from hasnet_models.errors import UsageError

_DEFAULT_REFERENCES = ("1", "2")


@click.command("sheet")
@click.argument("photos", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o", "--output", metavar="OUT", default="sheet.png", type=click.Path(allow_dash=True),
    help="File or folder.",
)  # fmt: skip
@click.option(
    "--domain", "domains", multiple=True, metavar="NAME", shell_complete=complete_domains,
    help="A domain; may be given several times.",
)  # fmt: skip
@click.option(
    "--reference", "references", multiple=True, metavar="N|NAME|likest",
    help="Which references of each domain, several times.  [default: 1 and 2]",
)  # fmt: skip
@click.option(
    "--mix", "mixtures", multiple=True, metavar="REFERENCE:WEIGHT,...",
    callback=read_by(lambda texts: [MixChoice.parse(text) for text in texts]),
    help="A mixture of references of each domain, several times.",
)  # fmt: skip
@click.option(
    "--ref", "refs", multiple=True, metavar="PICTURE", type=click.Path(),
    help="A picture as reference.",
)  # fmt: skip
@click.option("--stages", is_flag=True, help="A row an avatar, a column a stage.")
@click.option("--side", type=click.IntRange(32, 512), default=256, help="Pixels of one picture.")
@look_options
@device_option
@runtime_option
@restore_option
@progress_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, photos: tuple[str, ...], output: str, domains: tuple[str, ...],
    references: tuple[str, ...], mixtures: list[MixChoice], refs: tuple[str, ...], stages: bool,
    side: int, device: str, runtime: str, restore: str, look: Look,
) -> int:  # fmt: skip
    """Make a contact sheet: photos by references, or the stages.

    A row a PHOTO, a column a reference, whose palette stands above it. A photo that fails is left
    out; the exit code is 3 then, and 1 when all failed.
    """
    how = {"device": device, "runtime": runtime, "restore": restore, "look": look}
    looks = [
        Request(domain=domain, reference=reference, **how)
        for domain in domains
        for reference in references or (() if mixtures else _DEFAULT_REFERENCES)
    ]
    looks += [
        Request(domain=domain, mix=mixture, **how)
        for domain in domains
        for mixture in mixtures
    ]
    looks += [Request(ref=ref, **how) for ref in refs]
    if not looks:
        raise UsageError("Say what the avatars are to look like: --domain or --ref.")
    files = {file for one in looks for file in one.files}
    target = output_file(output, "sheet.png", [*photos, *files])

    from hasnet_cli.sheet_view import write_sheet
    from hasnet_models.memory import keep_memory_in_one_heap

    keep_memory_in_one_heap()
    return write_sheet(terminal, photos, looks, target, side, stages=stages)
