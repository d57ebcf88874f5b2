"""`hasnet train`: stage I (RT-Net), stage II (TT-Net) or one domain's head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from hasnet_cli.console import Terminal, verbosity_options
from hasnet_models.errors import EXIT_INTERRUPTED, EXIT_OK


@click.command("train")
@click.argument("faces", type=click.Path(path_type=Path))
@click.option("--stage", type=click.Choice(["rt", "tt"]), required=True, help="Which network.")
@click.option("-o", "--output", "run", type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--preset", default="lite", metavar="lite|paper|FILE.toml", help="Configuration.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key.")
@click.option("--domain", metavar="NAME", help="Train only this domain's head, from the base.")
@click.option("--rt", type=click.Path(path_type=Path), help="RT-Net weights for stage tt.")
@click.option("--base", type=click.Path(path_type=Path), help="TT-Net weights a head starts from.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Stop after so many minutes.")
@click.option("--images", type=click.IntRange(min=0), help="Stop after so many images.")
@click.option("--save-every", type=click.FloatRange(min=0), default=5.0, help="Minutes.")
@click.option("--preview-every", type=click.FloatRange(min=0), default=10.0, help="Minutes.")
@click.option("--resume", default="auto", metavar="auto|none|PATH", help="Where to go on from.")
@click.option("--cache", type=click.Path(path_type=Path), help="Folder for decoded faces.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@click.option("--device", default="auto", metavar="auto|cpu|cuda|mps", help="Where to compute.")
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, faces: Path, stage: str, run: Path | None, **options: object
) -> int:
    """Train the networks on a folder of aligned faces.

    FACES holds one folder a domain, and may hold an index.tsv (columns domain, split, file,
    identity). Checkpoints, preview sheets, metrics.jsonl and at the end the averaged weights go
    into the run's folder (runs/STAGE by default); an interrupted run goes on where it stopped.
    """
    import torch

    from hasnet_models.config import load_preset
    from hasnet_models.device import resolve_device
    from hasnet_models.training import loop, session

    preset = load_preset(options["preset"], options["overrides"])
    device = resolve_device(options["device"])
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    asked = {name: options[name] for name in ("domain", "rt", "base", "resume")}
    name = "-".join(filter(None, (stage, options["domain"])))
    job = session.Job(stage, faces, run or Path("runs") / name, preset, **asked)
    limits = {n: options[n] for n in ("minutes", "images", "save_every", "preview_every")}
    budget = loop.Budget(**{n: v for n, v in limits.items() if v is not None})
    cache = options["cache"] or session.default_cache()
    written, interrupted = session.run_job(
        job, budget, device, cache, terminal.say, progress_line(terminal)
    )
    for path in written:
        terminal.result(str(path))
    return EXIT_INTERRUPTED if interrupted else EXIT_OK


def progress_line(terminal: Terminal) -> Callable[[str, int, int], None]:
    """A progress callback that says where preparing the faces has got to, every tenth."""

    def say(what: str, done: int, total: int) -> None:
        if done == total or done % max(1, total // 10) == 0:
            terminal.note(f"{what} {done}/{total}")

    return say
