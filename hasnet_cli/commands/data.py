"""`hasnet data`: datasets into a folder of faces, and a look at what such a folder holds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED

if TYPE_CHECKING:
    from hasnet_models.data.importers import Job, Report
    from hasnet_models.data.index import Check

SCHEMA = 1
_REASONS = 8


@click.group("data")
def command() -> None:
    """Import datasets of faces, and check a folder of them."""


@command.command("import")
@click.argument("kind")
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--domain", metavar="NAME", help="Another name for the dataset's domain.")
@click.option("--limit", type=click.IntRange(min=1), help="At most N pictures of each domain.")
@click.option("--size", type=click.IntRange(32, 1024), default=256, help="Side in px (256).")
@click.option("--format", "suffix", type=click.Choice(["jpg", "png"]), default="jpg")
@click.option(
    "--align",
    type=click.Choice(["auto", "detect", "keep", "try"]),
    default="auto",
    help="Find the face, keep the picture as it is, or keep it where no face is found.",
)
@click.option("--backend", type=click.Choice(["embedded", "insightface"]), default="embedded")
@progress_option
@verbosity_options
@click.pass_obj
def import_(terminal: Terminal, backend: str, suffix: str, **options: object) -> int:
    """Align the faces of a dataset and write them with an index.

    KIND is casia-nir-vis-2, cufsf, selfie2anime, iiit-cfw, metfaces, toonify, ffhq or folder; SRC
    is the dataset as it lies on the disk, OUT the folder that `hasnet train` reads. Several
    datasets may go into one OUT. What OUT has already is not made again. What was left out is
    listed in OUT/skipped.tsv: the exit code is 3 when some pictures were, 1 when all were.
    """
    from hasnet_models.data import importers

    job = importers.Job(**options, suffix=f".{suffix}")
    planned = importers.plan(job)
    with terminal.progress(len(planned[0])) as advance:
        report = importers.run(job, lambda: factory.load_detector(backend), advance, planned)
    _summary(terminal, job, report)
    terminal.result(click.format_filename(job.out / importers.INDEX))
    if not report.skipped:
        return EXIT_OK
    return EXIT_SOME_FAILED if report.imported or report.known else EXIT_FAILED


@command.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@progress_option
@verbosity_options
@click.pass_obj
def check(terminal: Terminal, folder: Path, as_json: bool) -> int:
    """Read every face of a folder; count them, and say what is wrong.

    The exit code is 0 when every face can be used, 3 when some cannot, 1 when none can.
    """
    from hasnet_models.data import index

    total = sum(len(index.read_rows(folder, s)) for s in index.splits(folder))
    with terminal.progress(total) as advance:
        found = index.check(folder, advance)
    if as_json:
        terminal.result(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        _print_table(terminal, found)
        for line in (*found.skipped, *found.notes):
            terminal.say(line)
    if not found.skipped:
        return EXIT_OK
    return EXIT_SOME_FAILED if found.counts else EXIT_FAILED


def _summary(terminal: Terminal, job: Job, report: Report) -> None:
    for domain in sorted({*report.imported, *report.known}):
        before = report.known[domain]
        more = f", {before} were there before" if before else ""
        terminal.note(f"{domain}: {report.imported[domain]} imported{more}.")
    if report.kept:
        terminal.note(f"{report.kept} without a face that could be found were kept as they are.")
    for reason, count in Counter(r for _, r in report.skipped).most_common(_REASONS):
        terminal.say(f"left out: {count} x {reason}")
    for file, reason in report.skipped:
        terminal.detail(f"left out: {file}: {reason}")
    if report.skipped:
        terminal.say(f"{len(report.skipped)} left out; all are listed in {job.out}/skipped.tsv.")


def _document(found: Check) -> dict[str, object]:
    counts = [
        {"domain": domain, "split": split, "faces": count}
        for (domain, split), count in sorted(found.counts.items())
    ]
    return {"schema": SCHEMA, "counts": counts, "skipped": found.skipped, "notes": found.notes}


def _print_table(terminal: Terminal, found: Check) -> None:
    from rich.table import Table

    splits = sorted({s for _, s in found.counts}, key=lambda s: (s != "train", s))
    table = Table("domain", *splits, box=None)
    for domain in sorted({d for d, _ in found.counts}):
        table.add_row(domain, *(str(found.counts.get((domain, s), 0)) for s in splits))
    terminal.rich().print(table)
