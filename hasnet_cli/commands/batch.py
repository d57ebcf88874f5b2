"""`hasnet batch`: all photos of a folder, each on its own."""

from __future__ import annotations

import contextlib
import functools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_cli.options import request_options, start_job
from hasnet_cli.report import report_batch
from hasnet_models.avatar.request import RANDOM, Request
from hasnet_models.errors import EXIT_FAILED, EXIT_OK, EXIT_SOME_FAILED, HasnetError, UsageError

if TYPE_CHECKING:
    from hasnet_models.avatar.job import Job
    from hasnet_models.batch import Item, Ledger, Plan, Result, Settings, Shard

LOCAL, RAY = "local", "ray"
_GPU_BATCH = 8
_OLD = 3600.0


@dataclass(frozen=True)
class Options:
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
    as_json: bool
    as_lines: bool
    report: bool

    def check(self) -> None:
        """Raises UsageError where the options contradict each other."""
        if self.watch and (self.dry_run or self.engine == RAY):
            raise UsageError("--watch goes neither with --dry-run nor with --engine ray.")
        if self.as_json and self.as_lines:
            raise UsageError("Choose one of --json and --jsonl.")

    def settings(self, device: str) -> Settings:
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
    click.option("--report", is_flag=True, help="Also make OUTDIR/report.html."),
    click.option("--jsonl", "as_lines", is_flag=True, help="Print one JSON object a photo."),
    json_option,
)  # fmt: skip


def batch_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of Options to the command, which gets them as `options`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        options = Options(**{field.name: kwargs.pop(field.name) for field in fields(Options)})
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
    terminal: Terminal, folder: Path, output: Path, request: Request, options: Options
) -> int:
    """Make avatars of all photos in a folder.

    The folder tree is mirrored, every avatar is a PNG file, and what became of each photo is a
    line of OUTDIR/results.jsonl. A photo that fails does not stop the others: the exit code is 0
    when all went well, 3 when some failed, 1 when all failed. The same command again goes on
    where the last one ended.
    """
    from hasnet_models import batch
    from hasnet_models.memory import keep_memory_mapped

    keep_memory_mapped()
    request.check()
    options.check()
    shard = None if options.shard is None else batch.Shard.parse(options.shard)
    pixels = 0 if request.paste else request.size or 512
    work = batch.Plan(folder, output, shard, request.several, pixels)
    batch.check_folders(work)
    known = batch.Ledger(output, shard).known
    items = [] if options.watch else batch.plan(work, known, options.overwrite)
    job = start_job(_with_old_seed(request, known), terminal)
    if options.dry_run:
        return _show_plan(terminal, job, work, items, options)
    with batch.locked(output, shard), batch.Ledger(output, shard) as ledger:
        _sweep(output, shard)
        run = Run(terminal, options, job, work, ledger)
        run.all_of(items)
        if options.report:
            terminal.note(f"Report: {report_batch(output, folder)}")
        return run.end()


class Run:
    """One batch at work: engine, record, and what the user is told."""

    def __init__(
        self, terminal: Terminal, options: Options, job: Job, work: Plan, ledger: Ledger
    ) -> None:
        self.terminal, self.options, self.work, self.ledger = terminal, options, work, ledger
        self.counts: Counter[str] = Counter()
        self.total = 0
        self._advance: Callable[[], None] = lambda: None
        self._engine = _engine(job, options, work, ledger, self.record, terminal.say)
        self._start = time.perf_counter()

    def all_of(self, items: list[Item]) -> None:
        """Work through a plan, or for ever with --watch; afterwards each photo has one line."""
        try:
            if self.options.watch:
                self._watch()
            else:
                self.total = len(items)
                with self.terminal.progress(self.total) as self._advance:
                    self._engine.run(items)
        except BaseException:
            with contextlib.suppress(HasnetError):  # the first fault is the one to tell
                self._compact(items)
            raise
        self._compact(items)

    def _compact(self, items: list[Item]) -> None:
        self.ledger.compact([item.key for item in items] or sorted(self.ledger.known))

    def _watch(self) -> None:
        from hasnet_models.batch.watch import Watcher

        watcher = Watcher(self.work)
        told = 0
        self.terminal.note(f"Waiting for photos in {self.work.folder} (Ctrl-C ends).")
        while not (self.options.on_error == "stop" and self.counts["failed"]):
            items = watcher.look()
            self.total += len(items)
            self._engine.run(items)
            for pair in watcher.refused[told:]:
                self.terminal.say(pair)
            told = len(watcher.refused)
            time.sleep(self.options.poll)

    def record(self, result: Result) -> None:
        """Write down, count and tell one result."""
        old = result.status == "skipped" or self.ledger.known.get(result.input) is result
        if not old:
            self.ledger.add(result)
        self.counts[result.status] += 1
        before = " (as before; --retry-failed tries again)" if old else ""
        if result.error is not None:
            self.terminal.say(f"{result.input}: {result.error}{before}")
        elif self.options.watch and not old:
            self.terminal.note(f"{result.input}: done.")
        for note in result.notes:
            self.terminal.detail(f"{result.input}: {note}")
        if self.options.as_lines:
            self.terminal.result(result.line())
        self._advance()

    def end(self) -> int:
        """The summary, the result on standard output, the exit code."""
        done, before, failed = (self.counts[s] for s in ("done", "skipped", "failed"))
        kept = f", {before} of them by an earlier run" if before else ""
        self.terminal.note(f"{done + before} of {self.total} photos done{kept}.")
        if self.options.as_json:
            counts = {"photos": self.total, "done": done, "skipped": before, "failed": failed}
            seconds = round(time.perf_counter() - self._start, 3)
            self.terminal.json(
                {"results": str(self.ledger.path), **counts, "seconds": seconds}
            )
        elif not self.options.as_lines:
            self.terminal.result(click.format_filename(self.ledger.path))
        if not failed:
            return EXIT_OK
        return EXIT_SOME_FAILED if done + before else EXIT_FAILED


def _with_old_seed(request: Request, known: dict[str, Result]) -> Request:
    """A batch that goes on keeps the seed that chance gave it."""
    if request.reference != RANDOM or request.seed is not None:
        return request
    seeds = (result.seed for result in reversed(known.values()) if result.seed is not None)
    return replace(request, seed=next(seeds, None))


def _show_plan(
    terminal: Terminal, job: Job, work: Plan, items: list[Item], options: Options
) -> int:
    from hasnet_models import batch

    known = batch.Ledger(work.out, work.shard).known
    engine = batch.Engine(
        job, work.out, known, lambda _: None, terminal.say, options.settings("cpu")
    )
    states: Counter[str] = Counter()
    for item in items:
        state = engine.state(item)
        states[state] += 1
        path = work.first_target(item)
        if options.as_json or options.as_lines:
            terminal.result(
                batch.Result(item.key, state, output=str(path)).line()
            )
        else:
            terminal.result(f"{state}\t{item.key}\t{click.format_filename(path)}")
    said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    terminal.note(f"{len(items)} photos: {said}. Nothing was written.")
    return EXIT_OK


def _engine(
    job: Job,
    options: Options,
    work: Plan,
    ledger: Ledger,
    record: Callable[[Result], None],
    say: Callable[[str], None],
) -> Any:
    from hasnet_models import batch

    device = getattr(job.pipeline.device, "type", job.pipeline.device)
    settings = options.settings(str(device))
    if options.engine == LOCAL:
        return batch.Engine(job, work.out, ledger.known, record, say, settings)
    from hasnet_models.batch.ray import RayEngine

    start = functools.partial(start_on_worker, _absolute(job))
    workers = options.workers or 0
    return RayEngine(start, work.out, ledger.known, record, say, settings, workers)


def start_on_worker(request: Request) -> Job:
    """The same job in another process; what there is to say has been said."""
    terminal = Terminal()
    terminal.verbosity = -1
    return start_job(request, terminal)


def _absolute(job: Job) -> Request:
    """The request as another process understands it, chance included."""
    request = job.request
    if request.ref is not None:
        request = replace(request, ref=str(Path(request.ref).absolute()))
    if request.face.startswith("like:"):
        request = replace(request, face=f"like:{Path(request.face[5:]).absolute()}")
    return replace(request, seed=job.seed) if request.reference == RANDOM else request


def _sweep(out: Path, shard: Shard | None) -> None:
    """Remove what killed runs left; those of other machines may still be at work."""
    from hasnet_models.batch.ledger import leftovers

    for path in leftovers(out, time.time() - _OLD if shard else None):
        path.unlink(missing_ok=True)
