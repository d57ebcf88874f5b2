"""`hasnet bench`: time and memory of this installation."""

from __future__ import annotations

from pathlib import Path

import click

from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_cli.options import complete_domains, device_option


@click.command("bench")
@click.argument("photo", required=False, type=click.Path(path_type=Path))
@click.option(
    "--domain", metavar="NAME", shell_complete=complete_domains,
    help="Of the avatars.  [default: sketch, or the first]",
)  # fmt: skip
@click.option(
    "--runs", type=click.IntRange(1, 100), default=3, help="Of each step; medians count."
)
@click.option("--photos", type=click.IntRange(1, 1000), default=4, help="In the batch.")
@click.option("--threads", type=click.IntRange(min=1), help="Of torch and OpenCV.")
@device_option
@json_option
@progress_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, photo: Path | None, domain: str | None, runs: int, photos: int,
    threads: int | None, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Measure time and memory of this installation.

    Whole processes from their start, the steps of one avatar with the networks loaded, a batch,
    the palette beside ColorThief's, the most memory. PHOTO has a face; without one, noise stands
    for an aligned face, and nothing is searched or reshaped. On a busy machine compare ratios and
    shares, not seconds.
    """
    from hasnet_cli import bench_view

    options = bench_view.BenchOptions(photo, domain, runs, photos, threads, device)
    found = bench_view.measure(options, terminal)
    if as_json:
        terminal.json(found)
    else:
        bench_view.show(found, terminal)
