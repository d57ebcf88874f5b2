"""One training run from a folder of faces to checkpoints: what the command line calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch

from hasnet_models import identity, weights
from hasnet_models.config import Preset
from hasnet_models.errors import UsageError
from hasnet_models.training import checkpoint, export, loop
from hasnet_models.training.faces import FaceSet, Progress, load_faces
from hasnet_models.training.rt_stage import RTStage
from hasnet_models.training.tt_stage import TTStage


def default_cache() -> Path:
    """Where decoded faces are kept between runs."""
    return Path(platformdirs.user_cache_dir("hasnet")) / "faces"


def embedder(device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    """z_id of uint8 (B, S, S, 3) aligned faces as float32 (B, 192), by the embedded network."""
    net = weights.load_identity().to(device)

    @torch.no_grad()
    def embed(faces: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(faces).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return identity.embed(net, x).cpu().numpy()

    return embed


def open_faces(
    folder: Path, size: int, cache: Path, device: torch.device, progress: Progress
) -> tuple[FaceSet, FaceSet]:
    """The training and the validation faces; without a validation split both are the same.

    Raises:
        UsageError: see :func:`hasnet_models.training.faces.load_faces`.
    """
    embed = embedder(device)
    train = load_faces(folder, "train", size, cache, embed, progress)
    has_val = (folder / "index.tsv").is_file()
    val = load_faces(folder, "val", size, cache, embed, progress) if has_val else train
    return train, val


@dataclass(frozen=True)
class Job:
    """What the user asked to be trained.

    Attributes:
        stage: "rt" or "tt".
        domain: train only this domain's head, from the base; None trains the base.
        rt: weights of the RT-Net that stage II stands on; the embedded ones when None.
        base: TT-Net weights that a head starts from; the embedded ones when None.
        resume: "auto" (the run's newest checkpoint, if any), "none", or a checkpoint's path.
    """

    stage: str
    faces: Path
    run: Path
    preset: Preset
    domain: str | None = None
    rt: Path | None = None
    base: Path | None = None
    resume: str = "auto"


def run_job(
    job: Job,
    budget: loop.Budget,
    device: torch.device,
    cache: Path,
    say: Callable[[str], None],
    progress: Progress,
) -> tuple[list[Path], bool]:
    """Train, then write the averaged weights into the run's folder.

    Returns:
        The weight files written, and whether the training was interrupted.

    Raises:
        HasnetError: of the kind that fits; what was saved before stays.
    """
    stage = make_stage(job, device, cache, progress)
    for line in stage.faces.skipped:
        say(f"left out: {line}")
    if job.resume not in ("auto", "none"):
        loop.resume(stage, Path(job.resume), device)
    elif job.resume == "auto" and checkpoint.latest(job.run):
        loop.resume(stage, job.run, device)
    interrupted = loop.train(stage, job.run, budget, say)
    return export.export(stage, job.run, job.domain), interrupted


def make_stage(
    job: Job, device: torch.device, cache: Path, progress: Progress
) -> RTStage | TTStage:
    """The stage of a job with its faces and the frozen networks it needs."""
    preset = job.preset
    if job.stage == "rt":
        return RTStage(
            preset, *open_faces(job.faces, preset.rt_train.size, cache, device, progress), device
        )
    size = max(preset.tt.content_size, *preset.tt_train.sizes)
    faces = open_faces(job.faces, size, cache, device, progress)
    if job.domain and job.domain not in faces[0].by_domain:
        known = ", ".join(faces[0].by_domain)
        raise UsageError(f"{job.faces} has no domain {job.domain!r}.", f"It has {known}.")
    nets = (weights.load_rt(job.rt), weights.load_vgg(), weights.load_identity())
    frozen = tuple(n.to(device).eval().requires_grad_(False) for n in nets)
    domains = (job.domain,) if job.domain else ()
    stage = TTStage(preset, *faces, device, frozen, domains)
    if job.domain:
        _start_from_base(stage, job.base)
    return stage


def _start_from_base(stage: TTStage, base: Path | None) -> None:
    """Begin with the base, and with the discriminator trained with it where it lies beside."""
    path = base or weights.weight_path(export.TT_FILE)
    beside = path.with_name(export.D_FILE)
    d = weights.load_state(beside)[0] if beside.is_file() else None
    stage.start_from(weights.load_state(path)[0], d)
