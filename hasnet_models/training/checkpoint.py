"""Checkpoints: one folder a step, written whole or not at all.

``RUN/step-00001200/`` holds ``state.pt`` (networks, EMA, optimisers, the sampler's position; loads
with ``weights_only=True``) and ``meta.json`` (counters, configuration, versions, fingerprint of
the data). There is no state of a random generator in it, because none outlives a step: every draw
is a pure function of (seed, step number), and both are there.

A folder is written under a temporary name, flushed to the disk with its files and renamed to a
name that is free, so that nothing whole is ever taken away before something newer is whole: a
process killed at any moment leaves the last checkpoint in place. ``RUN/latest`` and ``RUN/best``
are for people; what is loaded is found by the folders' own counters.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

import torch

from hasnet_models.atomic import TEMPORARY_GLOB, replacing
from hasnet_models.errors import HasnetError, UsageError, WeightsError
from hasnet_models.version import __version__

FORMAT = 2
STATE, META, LATEST, BEST = "state.pt", "meta.json", "latest", "best"
_PROBE = 2**20
_NAME = re.compile(r"step-(\d{8,})(?:-(\d+))?")


def save(
    run: Path,
    step: int,
    state: dict[str, Any],
    meta: dict[str, Any],
    keep: int = 2,
    best: float | None = None,
) -> Path:
    """Write a checkpoint and forget all but the last ``keep`` and the best.

    Args:
        best: how good this checkpoint is, lower is better; None where that is not known.

    Returns:
        The checkpoint's folder.

    Raises:
        HasnetError: the disk is full or the folder cannot be written; older checkpoints stay.
    """
    known = whole(run)
    order = 1 + max((_meta(f).get("order", 0) for f in known), default=0)
    record = {**meta, "step": step, "order": order, "score": best, **_versions()}
    final = _free_name(run, step)
    temporary = run / f".{final.name}.{secrets.token_hex(4)}.tmp"
    try:
        run.mkdir(parents=True, exist_ok=True)
        _remove_stale(run)
        _write(temporary, state, record)
        temporary.rename(final)
        _flush(run)
        _point(run / LATEST, final.name)
        _forget(run, final, keep)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise _failure(final, error, bool(known)) from error
    return final


def load(path: Path, device: torch.device) -> tuple[dict[str, Any], dict[str, Any]]:
    """(state, meta) of a checkpoint folder, or of the latest one of a run's folder.

    Raises:
        UsageError: there is no checkpoint, or it is of another version's layout.
        WeightsError: the checkpoint is damaged; the one before it is named.
    """
    folder = path if (path / STATE).is_file() else latest(path)
    if folder is None:
        raise UsageError(f"There is no checkpoint in {path}.")
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        layout, writer = meta["format"], meta["hasnet"]
        state = torch.load(folder / STATE, map_location=device, weights_only=True)
    except Exception as error:  # torch raises nearly everything on damaged files
        raise _damaged(folder, error) from error
    if layout != FORMAT:
        raise UsageError(
            f"The checkpoint {folder} was written by hasnet {writer} in a layout (number {layout}) "
            f"that this version, which reads number {FORMAT}, cannot continue.",
            "Start from the weights of that run with base=FILE.",
            parameters=("base",),
        )
    return state, meta


def latest(run: Path) -> Path | None:
    """Checkpoint of a run that was written last, or None."""
    return max(whole(run), key=_age, default=None)


def best(run: Path) -> Path | None:
    """Checkpoint of a run with the lowest score, or None where none has one."""
    scored = [f for f in whole(run) if _meta(f).get("score") is not None]
    return min(scored, key=lambda f: _meta(f)["score"], default=None)


def whole(run: Path) -> list[Path]:
    """The checkpoints of a run, in no order."""
    return [
        p
        for p in run.glob("step-*")
        if _NAME.fullmatch(p.name) and (p / STATE).is_file() and (p / META).is_file()
    ]


def data_changed(meta: dict[str, Any], fingerprint: str) -> str | None:
    """A sentence for the user where the data is not what the checkpoint was trained on.

    Args:
        meta: of the checkpoint; its key ``data`` is the fingerprint of then.
        fingerprint: of the faces now, see :class:`hasnet_models.data.faces.FaceSet`.
    """
    if meta.get("data") in (None, fingerprint):
        return None
    return (
        "The faces are not the ones that the checkpoint was trained on "
        f"(fingerprint {meta['data']}, now {fingerprint}); training goes on with those of now."
    )


def threads_changed(meta: dict[str, Any], threads: int) -> str | None:
    """A sentence where sums will be made in another order than an uninterrupted run makes them."""
    if meta.get("threads") in (None, threads):
        return None
    return (
        f"The checkpoint was trained with threads={meta['threads']}, this run has {threads}: it "
        "goes on as well, but not to the bit as an uninterrupted run would."
    )


def _versions() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "hasnet": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _meta(folder: Path) -> dict[str, Any]:
    """meta.json of a checkpoint; empty where it is damaged."""
    try:
        found = json.loads((folder / META).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _age(folder: Path) -> tuple[int, int, int]:
    # not by the step alone: who resumes from an earlier step writes lower numbers after higher ones
    step, again = _NAME.fullmatch(folder.name).groups()
    return _meta(folder).get("order", 0), int(step), int(again or 1)


def _free_name(run: Path, step: int) -> Path:
    name = run / f"step-{step:08d}"
    again = 2
    while name.exists():
        name = run / f"step-{step:08d}-{again}"
        again += 1
    return name


def _write(folder: Path, state: dict[str, Any], meta: dict[str, Any]) -> None:
    folder.mkdir()
    with (folder / STATE).open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError:
            # torch does not say what is wrong with the file; a write of our own does
            file.write(bytes(_PROBE))
            file.flush()
            raise
    (folder / META).write_text(json.dumps(meta, indent=1), encoding="utf-8")
    for file in folder.iterdir():
        _flush(file)
    _flush(folder)


def _flush(path: Path) -> None:
    """Bring a file or the entries of a folder to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders, and writes their entries at once
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _point(path: Path, text: str) -> None:
    """Write a small text file, whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode())
    _flush(path.parent)


def _forget(run: Path, final: Path, keep: int) -> None:
    """Remove all but the last ``keep`` and the best; one more of the same step is superseded."""
    top = best(run)
    if top:
        _point(run / BEST, top.name)
    step = final.name.split("-")[1]
    found = sorted(whole(run), key=_age)
    older = [f for f in found if f != final and f.name.split("-")[1] != step]
    kept = {final, top, *older[len(older) - max(keep - 1, 0) :]}
    for folder in found:
        if folder not in kept:
            # renamed first: half of a checkpoint must not look like one
            gone = folder.rename(run / f".{folder.name}.{secrets.token_hex(4)}.tmp")
            shutil.rmtree(gone, ignore_errors=True)


def _remove_stale(run: Path) -> None:
    for stale in [*run.glob(".step-*.tmp"), *run.glob(TEMPORARY_GLOB)]:
        with contextlib.suppress(OSError):
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()


def _failure(final: Path, error: Exception, others: bool) -> HasnetError:
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0].rstrip(".")
    rest = "; the earlier ones are kept" if others else ""
    return HasnetError(f"Cannot save the checkpoint {final}: {reason}{rest}.")


def _damaged(folder: Path, error: Exception) -> WeightsError:
    others = [f for f in whole(folder.parent) if f.resolve() != folder.resolve()]
    hint = f"Resume from {max(others, key=_age)} instead." if others else None
    # torch goes on with advice of its own
    reason = (str(error) or type(error).__name__).splitlines()[0].split(". ")[0].rstrip(".")
    return WeightsError(f"The checkpoint {folder} cannot be read: {reason}.", hint)
