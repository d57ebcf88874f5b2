"""`hasnet batch`: all photos of a folder, each on its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import click

from hasnet_cli.console import Terminal, verbosity_options
from hasnet_cli.job import request_options, start_job
from hasnet_cli.plan import RESULTS_NAME, Item, plan
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED, HasnetError, ImageError
from hasnet_models.job import NO_DOMAIN, Job, Request

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """One line of results.jsonl."""

    schema: int
    input: str
    status: str
    output: str | None
    error: str | None
    domain: str | None
    reference: str | None
    notes: tuple[str, ...]
    seconds: float


@click.command("batch")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="OUTDIR", required=True, type=click.Path(path_type=Path),
    help="Output folder; made where it is missing.",
)  # fmt: skip
@request_options
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, folder: Path, output: Path, request: Request) -> int:
    """Make avatars of all photos in a folder.

    The folder tree is mirrored, every avatar is a PNG file, and what became of each photo is a
    line of OUTDIR/results.jsonl. A photo that fails does not stop the others: the exit code is 0
    when all went well, 3 when some failed, 1 when all failed.
    """
    request.check()
    items = plan(folder, output)
    job = start_job(request, terminal)
    results_path = output / RESULTS_NAME
    with _open_results(results_path) as lines, terminal.progress(len(items)) as advance:
        failed = 0
        for item in items:
            result = _one(job, item)
            lines.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
            lines.flush()
            failed += result.error is not None
            _report(terminal, result)
            advance()
    terminal.note(f"{len(items) - failed} of {len(items)} photos done.")
    terminal.result(click.format_filename(results_path))
    if not failed:
        return EXIT_OK
    return EXIT_FAILED if failed == len(items) else EXIT_SOME_FAILED


def _one(job: Job, item: Item) -> Result:
    """Make and write one avatar; whatever goes wrong is this photo's result."""
    start = time.perf_counter()
    result: dict[str, Any] = {"domain": job.domain.name if job.domain else NO_DOMAIN}
    try:
        result |= _make(job, item)
    except HasnetError as error:
        result |= {"status": "failed", "error": str(error)}
    # Photos by the thousand hold surprises; one must not cost the others.
    except Exception as error:
        reason = " ".join(str(error).split())
        result |= {"status": "failed", "error": f"{type(error).__name__}: {reason}"}
    empty = {"output": None, "error": None, "reference": None, "notes": ()}
    seconds = round(time.perf_counter() - start, 3)
    return Result(**(empty | result), schema=SCHEMA, input=item.key, seconds=seconds)


def _make(job: Job, item: Item) -> dict[str, Any]:
    from hasnet_models import image_io

    photo = image_io.read(item.source)
    avatar = job.make(photo, item.key)
    item.target.parent.mkdir(parents=True, exist_ok=True)
    image_io.write(avatar.picture, item.target, metadata=avatar.metadata(), source=photo)
    return {
        "status": "done",
        "output": str(item.target),
        "reference": avatar.reference.name,
        "notes": avatar.notes,
    }


def _report(terminal: Terminal, result: Result) -> None:
    if result.error is not None:
        terminal.say(f"{result.input}: {result.error}")
    for note in result.notes:
        terminal.detail(f"{result.input}: {note}")


@contextmanager
def _open_results(path: Path) -> Iterator[TextIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ImageError(f"Cannot write {path}: {error.strerror}.") from error
    with file:
        yield file
