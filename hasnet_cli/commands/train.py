"""`hasnet train`: stage I (RT-Net), stage II (TT-Net) or one domain's head."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hasnet_cli.console import Terminal, progress_option, verbosity_options
from hasnet_cli.options import device_option
from hasnet_models.config.load import load_preset, to_toml
from hasnet_models.config.schema import Preset
from hasnet_models.data.faces import count_faces
from hasnet_models.errors import EXIT_INTERRUPTED, EXIT_OK
from hasnet_models.training.training_job import TrainingJob

PATH = click.Path(path_type=Path)
MINUTES = click.FloatRange(min=0)
ABLATIONS = (
    "no-rt, no-zones, no-shape, no-appearance, only-ccx, only-scx, no-cx, con0-16, con0-32, "
    "con0-64, skips, no-skips"
)


@click.command("train")
@click.argument("faces", type=PATH)
@click.option("--stage", type=click.Choice(["rt", "tt"]), required=True, help="Which network.")
@click.option("-o", "--output", "run", type=PATH, help="The run's folder.")
@click.option("--preset", default="lite", metavar="lite|paper|FILE.toml", help="Configuration.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key.")
@click.option("--ablate", "ablations", multiple=True, metavar="NAME", help=f"{ABLATIONS}.")
@click.option("--domain", metavar="NAME", help="Train only this domain's head, from the base.")
@click.option("--rt", type=PATH, help="RT-Net weights for stage tt.")
@click.option("--base", type=PATH, help="Weights to start from.")
@click.option("--parts", type=PATH, help="Parts of faces [default: FACES/parts.json, if there].")
@click.option("--minutes", type=MINUTES, help="Stop after so many minutes.")
@click.option("--images", type=click.IntRange(min=0), help="Stop after so many images.")
@click.option("--save-every", type=MINUTES, default=5.0, help="Minutes.")
@click.option("--preview-every", type=MINUTES, default=10.0, help="Minutes.")
@click.option("--log-every", type=MINUTES, default=0.5, help="Minutes.")
@click.option("--keep", type=click.IntRange(min=1), default=2, help="Checkpoints, beside the best.")
@click.option("--resume", default="auto", metavar="auto|none|PATH", help="Where to go on from.")
@click.option("--cache", type=PATH, help="Folder for decoded faces.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    help="Processes of this machine that share each batch.",
)
@device_option
@click.option("--precision", default="auto", metavar="auto|fp32|bf16|fp16", help="Of the networks.")
@click.option("--compile", "compiled", is_flag=True, help="Compile the networks; not on a CPU.")
@click.option("--tensorboard", is_flag=True, help="Write losses for TensorBoard too.")
@click.option("--dry-run", is_flag=True, help="Show configuration and cost, train nothing.")
@progress_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, **options: Any) -> int:
    """Train the networks on a folder of aligned faces.

    FACES holds one folder a domain, and may hold an index.tsv (columns domain, split, file,
    identity); or it names WebDataset shards. Checkpoints, preview sheets, metrics.jsonl and at the
    end the averaged weights go into the run's folder (runs/STAGE by default); an interrupted run
    goes on where it stopped. On busy cores a process for each is quicker (--processes).
    """
    from hasnet_models.training import companions

    preset = load_preset(options["preset"], options["overrides"], options["ablations"])
    if not options["dry_run"]:
        preset = companions.share_of(preset, options["stage"], options["processes"])
    job = make_job(preset, options)
    return dry_run(terminal, job, options) if options["dry_run"] else run(terminal, job, options)


def make_job(preset: Preset, options: dict[str, Any]) -> TrainingJob:
    """What is to be trained."""
    from hasnet_models.training import session

    asked = {name: options[name] for name in ("domain", "rt", "base", "parts", "resume")}
    name = "-".join(filter(None, (options["stage"], options["domain"])))
    folder = options["run"] or Path("runs") / name
    job = TrainingJob(options["stage"], options["faces"], folder, preset, **asked)
    session.require_sense(job)
    return job


def run(terminal: Terminal, job: TrainingJob, options: dict[str, Any]) -> int:
    """Train; in each of the processes where there are several."""
    from hasnet_models.training import companions

    again = [sys.executable, "-m", "hasnet_cli", *sys.argv[1:]]
    with companions.joined(options["processes"], again):
        return train(terminal, job, options)


def train(terminal: Terminal, job: TrainingJob, options: dict[str, Any]) -> int:
    """Train in this process."""
    import torch

    from hasnet_cli.training_view import watching
    from hasnet_models.memory import keep_memory_mapped
    from hasnet_models.training import distributed, loop, session
    from hasnet_models.training.runtime import Runtime

    keep_memory_mapped()
    threads = options["threads"] or max(1, torch.get_num_threads() // options["processes"])
    torch.set_num_threads(threads)
    names = ("minutes", "images", "save_every", "preview_every", "log_every", "keep")
    budget = loop.Budget(**{n: options[n] for n in names if options[n] is not None})
    cache = options["cache"] or session.default_cache()
    with distributed.processes(options["device"]) as device:
        runtime = Runtime.choose(device, options["precision"], options["compiled"])
        if distributed.rank() > 0:
            terminal.verbosity = -1
        endless = options["minutes"] is None and options["images"] is None
        say, progress = terminal.note, progress_line(terminal)
        with watching(terminal, job.run.name, endless=endless) as view:
            watchers = [view, *board(job, options)]
            written, interrupted = session.run_job(
                job, budget, runtime, cache, say, progress, watchers
            )
    for path in written:
        terminal.result(str(path))
    return EXIT_INTERRUPTED if interrupted else EXIT_OK


def board(job: TrainingJob, options: dict[str, Any]) -> list[Any]:
    """TensorBoard's writer where it was asked for, in the first process."""
    from hasnet_models.training import distributed

    if not options["tensorboard"] or distributed.rank() > 0:
        return []
    from hasnet_cli.tensorboard import Board

    return [Board(job.run)]


def dry_run(terminal: Terminal, job: TrainingJob, options: dict[str, Any]) -> int:
    """Print what would be trained and what it would take."""
    from hasnet_cli.training_view import cost_lines
    from hasnet_models.device import resolve_device
    from hasnet_models.training import cost, session

    device = resolve_device(options["device"])
    preset = session.preset_of(job)
    count = count_faces(job.faces)
    found = cost.estimate(job.stage, preset, count, job.domain, device.type == "cuda")
    terminal.result(to_toml(preset))
    for line in (f"{count} faces to train on, on {device}", *cost_lines(found)):
        terminal.result(f"# {line}")
    return EXIT_OK


def progress_line(terminal: Terminal) -> Callable[[str, int, int], None]:
    """A progress callback that says where preparing the faces has got to, every tenth."""

    def say(what: str, done: int, total: int) -> None:
        if done == total or done % max(1, total // 10) == 0:
            terminal.note(f"{what} {done}/{total}")

    return say
