"""`hasnet data`: datasets into a folder of faces, and a look at what such a folder holds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click
from rich.table import Table

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_cli.picture_options import backend_option
from hasnet_models.data.check import FaceCheck, steps
from hasnet_models.data.check import check as check_faces
from hasnet_models.data.importers import importing
from hasnet_models.data.importers.dataset import ALIGN
from hasnet_models.data.importers.datasets import DATASETS
from hasnet_models.data.importers.output import SKIPPED
from hasnet_models.data.index import INDEX
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED
from hasnet_models.restoring.choice import OFF

SCHEMA = 1
_REASONS = 8


@click.group("data")
def command() -> None:
    """Import datasets of faces, and check a folder of them."""


@command.command("import", epilog=f"KIND: {', '.join(DATASETS)}.")
@click.argument("kind", metavar="KIND", type=click.Choice(list(DATASETS)))
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--domain", metavar="NAME", help="Another name for the dataset's domain.")
@click.option("--limit", type=click.IntRange(min=1), help="At most N pictures of each domain.")
@click.option("--size", type=click.IntRange(32, 1024), default=256, help="Side in px (256).")
@click.option("--format", "suffix", type=click.Choice(["jpg", "png"]), default="jpg")
@click.option(
    "--align",
    type=click.Choice(["auto", *ALIGN]),
    default="auto",
    help="Find the face, keep the picture as it is, or keep it where no face is found.",
)
@backend_option
@click.option(
    "--restore",
    default=OFF,
    metavar="auto|off|FILE.onnx",
    help="Make small and blurred faces better; for photos (off).",
)
@progress_option
@verbosity_options
@click.pass_obj
def import_(terminal: Terminal, backend: str, suffix: str, **options: object) -> int:
    """Align the faces of a dataset and write them with an index.

    KIND is one of the datasets below; SRC is the dataset as it lies on the disk, OUT the folder
    that `hasnet train` reads. Several datasets may go into one OUT. What OUT has already is not
    made again. What was left out is listed in OUT/skipped.tsv: the exit code is 3 when some
    pictures were, 1 when all were.
    """
    job = importing.ImportJob(**options, suffix=f".{suffix}")
    plan = importing.plan(job)
    with terminal.progress(len(plan.pictures)) as advance:
        report = importing.run(job, lambda: factory.load_detector(backend), advance, plan)
    _summary(terminal, job, report)
    terminal.result(click.format_filename(job.out / INDEX))
    if not report.skipped:
        return EXIT_OK
    return EXIT_SOME_FAILED if report.imported or report.known else EXIT_FAILED


@command.command("check")
@click.argument("faces", type=click.Path(path_type=Path))
@json_option
@progress_option
@verbosity_options
@click.pass_obj
def check(terminal: Terminal, faces: Path, as_json: bool) -> int:
    """Read every face of a folder or of WebDataset shards; count them, and say what is wrong.

    The exit code is 0 when every face can be used, 3 when some cannot, 1 when none can.
    """
    with terminal.progress(steps(faces)) as advance:
        found = check_faces(faces, advance)
    if as_json:
        terminal.result(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        _print_table(terminal, found)
        for line in (*found.skipped, *found.notes):
            terminal.say(line)
    if not found.skipped:
        return EXIT_OK
    return EXIT_SOME_FAILED if found.counts else EXIT_FAILED


def _summary(terminal: Terminal, job: importing.ImportJob, report: importing.ImportReport) -> None:
    for domain in sorted({*report.imported, *report.known}):
        before = report.known[domain]
        more = f", {before} were there before" if before else ""
        terminal.note(f"{domain}: {report.imported[domain]} imported{more}.")
    if report.restored:
        terminal.note(f"{report.restored} were restored.")
    if report.kept:
        terminal.note(f"{report.kept} without a face that could be found were kept as they are.")
    for reason, count in Counter(r for _, r in report.skipped).most_common(_REASONS):
        terminal.say(f"left out: {count} x {reason}")
    for file, reason in report.skipped:
        terminal.detail(f"left out: {file}: {reason}")
    if report.skipped:
        terminal.say(f"{len(report.skipped)} left out; all are listed in {job.out}/{SKIPPED}.")


def _document(found: FaceCheck) -> dict[str, object]:
    counts = [
        {"domain": domain, "split": split, "faces": count}
        for (domain, split), count in sorted(found.counts.items())
    ]
    return {"schema": SCHEMA, "counts": counts, "skipped": found.skipped, "notes": found.notes}


def _print_table(terminal: Terminal, found: FaceCheck) -> None:
    splits = sorted({s for _, s in found.counts}, key=lambda s: (s != "train", s))
    table = Table("domain", *splits, box=None)
    for domain in sorted({d for d, _ in found.counts}):
        table.add_row(domain, *(str(found.counts.get((domain, s), 0)) for s in splits))
    terminal.rich().print(table)
