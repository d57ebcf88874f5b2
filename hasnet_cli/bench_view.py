"""What `hasnet bench` measures, and how it is shown."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hasnet_cli import bench_programs, factory, own_commands
from hasnet_cli.bench_programs import Found, Program
from hasnet_cli.console import Terminal
from hasnet_models import __version__, image_io
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import Request
from hasnet_models.benchmark import batches, palettes, processes
from hasnet_models.errors import DomainError
from hasnet_models.face.choice import ALIGNED, FaceChoice
from hasnet_models.frame import CROP_SIZE
from hasnet_models.image_io import Photo
from hasnet_models.plugins import Domain

USUAL = "sketch"
SIZES = (2048,)  # of the medium; at 512 px it is a step of the avatar
FACES_A_CALL = (1, 4)
_STAGES = 4

Rows = tuple[Sequence[str], Sequence[Sequence[str]]]


@dataclass(frozen=True)
class BenchOptions:
    """What is measured, and how often."""

    photo: Path | None
    domain: str | None
    runs: int
    photos: int
    threads: int | None
    device: str

    @property
    def face(self) -> FaceChoice:
        """Noise is no face that could be found."""
        return FaceChoice() if self.photo else FaceChoice(ALIGNED)


def measure(options: BenchOptions, terminal: Terminal) -> Found:
    """Everything, as the JSON object has it; seconds, MiB and ratios.

    Raises:
        HasnetError: of the kind that fits.
    """
    domain = _domain(options)
    picture = image_io.read(options.photo) if options.photo else Photo(_noise(), name="noise")
    count = options.runs + _STAGES
    with terminal.progress(count) as advance, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "face.png"
        image_io.write(picture.rgb, file)
        several = _programs(options, domain, file)
        found = {"processes": bench_programs.measure(several, options.runs, advance)}
        job = _job(options, domain, file)
        found |= _warm(options, job, domain, image_io.read(file), advance)
    return {"machine": _machine(job, domain), **found, "peak_mib": processes.own_peak()}


def _warm(
    options: BenchOptions, job: Job, domain: Domain, picture: Photo, advance: Callable[[], None]
) -> Found:
    """What is measured in this process, its networks loaded."""
    from hasnet_models.benchmark import parts

    steps = parts.parts(job.pipeline, picture, domain, options.runs, options.face)
    advance()
    media = {
        str(size): parts.medium_share(
            job.pipeline, picture, domain, size, options.runs, options.face
        )
        for size in SIZES
    }
    advance()
    rates = {str(n): batches.rate(job, picture.rgb, options.photos, n) for n in FACES_A_CALL}
    advance()
    colours = palettes.beside_colorthief(picture.rgb, options.runs)
    advance()
    return {
        "avatar": {
            "seconds": sum(step.seconds for step in steps if not step.inside),
            "parts": [asdict(step) for step in steps],
        },
        "medium_share": media,
        "batch_rate": rates,
        "palette": {
            name: {"ours": one.first, "colorthief": one.second, "ratio": one.ratio}
            for name, one in colours.items()
        },
    }


def _domain(options: BenchOptions) -> Domain:
    registry = factory.find_domains()
    names = [domain.name for domain in registry.domains]
    if not names:
        raise DomainError("No domain is installed.")
    return registry.get(options.domain or (USUAL if USUAL in names else names[0]))


def _job(options: BenchOptions, domain: Domain, file: Path) -> Job:
    from hasnet_models.benchmark.parts import limit_threads

    if options.threads:
        limit_threads(options.threads)
    request = Request(domain=domain.name, face=options.face, device=options.device)
    return Job.start(request, factory.find_domains(), factory.load_pipeline, lambda _text: None)


def _programs(options: BenchOptions, domain: Domain, file: Path) -> list[Program]:
    avatar = ["avatar", "--domain", domain.name, str(file), "--face", str(options.face)]
    avatar += ["--device", options.device, "-o", str(file.with_name("avatar.png"))]
    commands = len(own_commands.COMMANDS)
    return bench_programs.programs(file, commands, len(factory.find_domains().domains), avatar)


def _machine(job: Job, domain: Domain) -> Found:
    import platform

    import torch

    return {
        "hasnet": __version__, "python": platform.python_version(), "torch": torch.__version__,
        "system": platform.platform(), "device": str(job.pipeline.device),
        "cpus": os.cpu_count(), "threads": torch.get_num_threads(), "domain": domain.name,
    }  # fmt: skip


def _noise() -> np.ndarray:
    """uint8 (512, 512, 3): as many colours as a photo has, and always the same."""
    small = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return np.kron(small, np.ones((CROP_SIZE // 16, CROP_SIZE // 16, 1), np.uint8))


def show(found: Found, terminal: Terminal) -> None:
    """The tables."""
    machine = found["machine"]
    terminal.show("hasnet {hasnet}, torch {torch} on {device}, {threads} threads".format(**machine))
    for heads, rows in (_processes(found), _steps(found), _batch(found), _palette(found)):
        _table(terminal, heads, rows)
    shares = [(f"{size} px", f"{share:.2f}") for size, share in found["medium_share"].items()]
    _table(terminal, ("medium", "of the networks' time"), shares)
    peak = _known(found["peak_mib"], _mib) or "?"
    terminal.show("", f"Most memory of this process: {peak} MiB")


def _processes(found: Found) -> Rows:
    rows = [
        (p["command"], _ms(p["seconds"]), _known(p["processor"], _ms), _known(p["ratio"], _ratio),
         _known(p["peak_mib"], _mib))
        for p in found["processes"]
    ]  # fmt: skip
    return ("whole processes", "ms", "processor ms", "of the bare one", "MiB"), rows


def _steps(found: Found) -> Rows:
    whole, cold = found["avatar"]["seconds"], found["processes"][-1]["seconds"]
    rows = [_step(part, whole) for part in found["avatar"]["parts"]]
    rows.append(("one avatar", _ms(whole), f"{cold / whole:.1f} times that when cold"))
    return ("networks loaded", "ms", "share"), rows


def _batch(found: Found) -> Rows:
    whole, rates = found["avatar"]["seconds"], found["batch_rate"].items()
    rows = [(f"{n} a call", f"{rate:.2f}", f"{rate * whole:.2f}") for n, rate in rates]
    return ("batch", "photos a second", "of one by one"), rows


def _palette(found: Found) -> Rows:
    rows = [
        (name, _ms(one["ours"]), _ms(one["colorthief"]), f"{one['ratio']:.1f}")
        for name, one in found["palette"].items()
    ]
    return ("palette", "ms", "ColorThief, ms", "ratio"), rows


def _step(part: Found, whole: float) -> tuple[str, str, str]:
    """A line of the avatar's table; what is inside another step stands to the right."""
    took = part["seconds"]
    return "  " * part["inside"] + part["name"], _ms(took), f"{took / whole:.1%}"


def _table(terminal: Terminal, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table

    table = Table(heads[0], box=None, pad_edge=False, min_width=40)
    for head in heads[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    terminal.show("", table)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"


def _mib(value: float) -> str:
    return f"{value:.0f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def _known(value: float | None, shown: Callable[[float], str]) -> str:
    return "" if value is None else shown(value)
