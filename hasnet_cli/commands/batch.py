"""`hasnet batch`: all photos of a folder, each on its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_cli.flags import with_flags
from hasnet_cli.options import request_options
from hasnet_models.avatar.request import Request
from hasnet_models.errors import UsageError

if TYPE_CHECKING:
    from hasnet_cli.batch_view import BatchView
    from hasnet_models.avatar.job import Job
    from hasnet_models.batch import Engine, Item, Ledger, Plan, Result, Run, Settings
    from hasnet_models.batch.ray import RayEngine

LOCAL, RAY = "local", "ray"
_GPU_BATCH = 8


@dataclass(frozen=True)
class BatchOptions:
    """The options of `batch` that say how the photos are worked through."""

    on_error: str
    retry_failed: bool
    overwrite: bool
    dry_run: bool
    watch: bool
    poll: float
    shard: str | None
    engine: str
    workers: int | None
    batch: int | None
    include_avatars: bool
    as_json: bool
    as_lines: bool
    report: bool

    def check(self) -> None:
        """Raises UsageError where the options contradict each other."""
        if self.watch and (self.dry_run or self.engine == RAY):
            raise UsageError("--watch goes neither with --dry-run nor with --engine ray.")
        if self.as_json and self.as_lines:
            raise UsageError("Choose one of --json and --jsonl.")

    def plan(self, folder: Path, out: Path, request: Request) -> Plan:
        """Where photos come from and avatars go."""
        from hasnet_models.batch import Plan, Shard

        shard = None if self.shard is None else Shard.parse(self.shard)
        pixels = 0 if request.paste else request.size or 512
        return Plan(
            folder, out, shard, request.several, pixels, self.include_avatars, request.files
        )

    def settings(self, device: str) -> Settings:
        """The engine's, for the kind of device ("cpu", "cuda", "mps") that it works on."""
        from hasnet_models.batch import Settings

        workers = self.workers if self.workers and self.engine == LOCAL else 2
        batch = self.batch or (1 if device == "cpu" else _GPU_BATCH)
        stop = self.on_error == "stop"
        return Settings(batch, workers, workers, stop, self.retry_failed, self.overwrite)


_OPTIONS = (
    click.option(
        "--on-error", type=click.Choice(["skip", "stop"]), default="skip",
        help="What a photo that fails does to the others.",
    ),
    click.option("--retry-failed", is_flag=True, help="Try again what failed in an earlier run."),
    click.option(
        "--overwrite", is_flag=True,
        help="Make again what is done; also replace pictures that are no avatars.",
    ),
    click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing."),
    click.option("--watch", is_flag=True, help="Wait for more photos until interrupted."),
    click.option(
        "--poll", type=click.FloatRange(min=0.01), default=2.0, metavar="SECONDS",
        help="How often --watch looks.  [default: 2]",
    ),
    click.option("--shard", metavar="I/N", help="Only this machine's part of the photos."),
    click.option(
        "--engine", type=click.Choice([LOCAL, RAY]), default=LOCAL,
        help="This machine, or a Ray cluster.",
    ),
    click.option(
        "--workers", type=click.IntRange(min=1),
        help="Threads before and after the networks (2), or actors of --engine ray.",
    ),
    click.option(
        "--batch", type=click.IntRange(min=1), metavar="FACES",
        help="Faces in one call of the networks.  [default: 8, on a CPU 1]",
    ),
    click.option(
        "--include-avatars", is_flag=True,
        help="Take pictures that hasnet made for photos too.",
    ),
    click.option("--report", is_flag=True, help="Also make OUTDIR/report.html."),
    click.option("--jsonl", "as_lines", is_flag=True, help="Print one JSON object a photo."),
    json_option,
)  # fmt: skip


def batch_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of BatchOptions to the command, which gets them as `options`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        options = BatchOptions(**{f.name: kwargs.pop(f.name) for f in fields(BatchOptions)})
        return function(*args, options=options, **kwargs)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


@click.command("batch")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="OUTDIR", required=True, type=click.Path(path_type=Path),
    help="Output folder; made where it is missing.",
)  # fmt: skip
@request_options
@batch_options
@progress_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, folder: Path, output: Path, request: Request, options: BatchOptions
) -> int:
    """Make avatars of all photos in a folder.

    The folder tree is mirrored, every avatar is a PNG file, and what became of each photo is a
    line of OUTDIR/results.jsonl. A photo that fails does not stop the others: the exit code is 0
    when all went well, 3 when some failed, 1 when all failed. The same command again goes on
    where the last one ended.
    """
    from hasnet_cli.batch_view import BatchView
    from hasnet_cli.start import start_job
    from hasnet_models import batch
    from hasnet_models.memory import keep_memory_in_one_heap

    keep_memory_in_one_heap()
    request.check()
    options.check()
    plan = options.plan(folder, output, request)
    batch.check_folders(plan)
    batch.check_free(plan.out, plan.shard)
    known = batch.Ledger(plan.out, plan.shard).known
    items = [] if options.watch else _items(plan, known, options, terminal)
    job = start_job(batch.with_earlier_seed(request, known), terminal)
    view = BatchView(
        terminal, as_json=options.as_json, as_lines=options.as_lines, watching=options.watch
    )
    if options.dry_run:
        settings = options.settings("cpu")
        return view.plan(plan, items, batch.Engine(job, plan.out, known, terminal.say, settings))
    with batch.opened(plan, terminal.note) as ledger:
        engine = _engine(job, options, plan, ledger, terminal)
        run = batch.Run(plan, ledger, engine, view.tell, terminal.say)
        _work(run, items, options, view)
        if options.report:
            from hasnet_cli.page import write_batch_page

            terminal.note(f"Report: {write_batch_page(output, folder)}")
        return view.outcome(run)


def _items(
    plan: Plan, known: Mapping[str, Result], options: BatchOptions, terminal: Terminal
) -> list[Item]:
    from hasnet_models import batch

    def say(note: str) -> None:
        terminal.note(with_flags(note, ("include_avatars",)))

    return batch.checked_items(plan, known, options.overwrite, say)


def _work(run: Run, items: list[Item], options: BatchOptions, view: BatchView) -> None:
    terminal = view.terminal
    if options.watch:
        terminal.note(f"Waiting for photos in {run.plan.folder} (Ctrl-C ends).")
        run.watch(options.poll)
        return
    with terminal.progress(len(items)) as view.advance:
        run.work(items)


def _engine(
    job: Job, options: BatchOptions, plan: Plan, ledger: Ledger, terminal: Terminal
) -> Engine | RayEngine:
    from hasnet_cli.start import start_on_worker
    from hasnet_models import batch

    device = getattr(job.pipeline.device, "type", job.pipeline.device)
    settings = options.settings(str(device))
    if options.engine == LOCAL:
        return batch.Engine(job, plan.out, ledger.known, terminal.say, settings)
    from hasnet_models.batch.ray import RayEngine

    start = functools.partial(start_on_worker, job.portable_request)
    workers = options.workers or 0
    return RayEngine(start, plan.out, ledger.known, terminal.say, settings, workers)
