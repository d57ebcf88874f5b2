"""Checkpoints: one folder a step, written whole or not at all.

``RUN/step-00001200/`` holds ``state.pt`` (networks, EMA, optimisers; loads with
``weights_only=True``) and ``meta.json`` (counters, configuration, versions); ``RUN/latest`` names
the newest. A folder is written under a temporary name, flushed to the disk and renamed, so that a
process killed at any moment leaves the last whole checkpoint in place.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import shutil
from pathlib import Path
from typing import Any

import torch

import hasnet_models
from hasnet_models.errors import HasnetError, UsageError, WeightsError

FORMAT = 1
STATE, META, LATEST = "state.pt", "meta.json", "latest"


def save(run: Path, step: int, state: dict[str, Any], meta: dict[str, Any], keep: int = 2) -> Path:
    """Write a checkpoint and forget all but the last ``keep``.

    Raises:
        HasnetError: the disk is full or the folder cannot be written; older checkpoints stay.
    """
    final = run / f"step-{step:08d}"
    temporary = run / f".{final.name}.{os.getpid()}.tmp"
    versions = {
        "format": FORMAT,
        "hasnet": hasnet_models.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    try:
        run.mkdir(parents=True, exist_ok=True)
        for stale in run.glob(".step-*.tmp"):
            shutil.rmtree(stale)
        temporary.mkdir()
        torch.save(state, temporary / STATE)
        (temporary / META).write_text(json.dumps({**meta, **versions}, indent=1), encoding="utf-8")
        for file in temporary.iterdir():
            _flush(file)
        if final.exists():
            shutil.rmtree(final)
        temporary.replace(final)
        _write_atomically(run / LATEST, final.name)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise HasnetError(f"Cannot save the checkpoint {final}: {error}.") from error
    for old in sorted(run.glob("step-*"))[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def load(path: Path, device: torch.device) -> tuple[dict[str, Any], dict[str, Any]]:
    """(state, meta) of a checkpoint folder, or of the latest one of a run's folder.

    Raises:
        UsageError: there is no checkpoint.
        WeightsError: the checkpoint is damaged.
    """
    folder = latest(path) if not (path / STATE).is_file() else path
    if folder is None:
        raise UsageError(f"There is no checkpoint in {path}.")
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        state = torch.load(folder / STATE, map_location=device, weights_only=True)
    except (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"The checkpoint {folder} cannot be read: {error}.") from error
    return state, meta


def latest(run: Path) -> Path | None:
    """Newest whole checkpoint of a run, or None."""
    name = run / LATEST
    if name.is_file():
        folder = run / name.read_text(encoding="utf-8").strip()
        if (folder / STATE).is_file():
            return folder
    found = sorted(p for p in run.glob("step-*") if (p / STATE).is_file())
    return found[-1] if found else None


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    _flush(temporary)
    temporary.replace(path)
