"""The networks of the paper's ablation rows: each trained for the same short time from one base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hasnet_cli.console import Terminal
from hasnet_models.config.load import load_preset

FOLDER = "ablations"


@dataclass(frozen=True)
class AblationBudget:
    """How they are trained.

    Attributes:
        images: that each sees.
        preset: of the base.
        cache: folder of decoded faces; None for the usual one.
        parts: of faces, as `hasnet train` takes them; None for the folder's own.
    """

    images: int
    preset: str = "lite"
    cache: Path | None = None
    device: str = "auto"
    parts: Path | None = None


def train(
    name: str, ablations: Sequence[str], faces: Path, out: Path, budget: AblationBudget,
    terminal: Terminal,
) -> Path:  # fmt: skip
    """Train one of them, or go on where it stopped; gives the folder of its weights.

    Raises:
        HasnetError: of the kind that fits.
        KeyboardInterrupt: it was interrupted; it goes on from there.
    """
    from hasnet_models.device import resolve_device
    from hasnet_models.memory import keep_memory_mapped
    from hasnet_models.training import session
    from hasnet_models.training.export import TT_FILE
    from hasnet_models.training.loop import Budget
    from hasnet_models.training.runtime import Runtime
    from hasnet_models.training.training_job import TrainingJob
    from hasnet_models.weights import files, load

    base = files.weight_path(TT_FILE)
    goal = int(load.load_state(base)[1].get("images", 0)) + budget.images
    run = out / FOLDER / f"{ablations[0] if ablations else 'control'}-{budget.images}"
    if _images(run / TT_FILE) >= goal:
        return run
    terminal.note(f"{name}: training for {budget.images} images in {run}")
    keep_memory_mapped()
    preset = load_preset(budget.preset, ablations=ablations)
    job = TrainingJob("tt", faces, run, preset, base=base, parts=budget.parts)
    spent = Budget(images=goal, save_every=5.0, preview_every=math.inf, keep=1)
    runtime = Runtime.choose(resolve_device(budget.device))
    cache = budget.cache or session.default_cache()
    _, interrupted = session.run_job(job, spent, runtime, cache, terminal.detail, lambda *_: None)
    if interrupted:
        raise KeyboardInterrupt
    return run


def _images(path: Path) -> int:
    """How many images a weight file has seen; -1 where there is none."""
    from hasnet_models.weights import load

    return int(load.load_state(path)[1].get("images", 0)) if path.is_file() else -1
