"""One training run from a folder of faces to checkpoints: what the command line calls."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from hasnet_models.config.build import to_dict
from hasnet_models.config.schema import FREE, Preset, RTConfig, TTConfig
from hasnet_models.data.cache import Progress
from hasnet_models.data.faces import FaceSet, load_splits
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.filenames import first_same
from hasnet_models.folders import user_folder
from hasnet_models.locking import held, refuse_if_held
from hasnet_models.networks import identity
from hasnet_models.training import checkpoint, distributed, export, loop
from hasnet_models.training.rt_stage import RTStage
from hasnet_models.training.runtime import Runtime
from hasnet_models.training.training_job import TrainingJob
from hasnet_models.training.tt_stage import TTStage
from hasnet_models.training.vectors import vector_table
from hasnet_models.weights import files, load
from hasnet_models.weights.digests import sha256_of

_LOCK = ".hasnet.lock"


def default_cache() -> Path:
    """Where decoded faces are kept between runs."""
    return user_folder("cache") / "faces"


def open_faces(
    job: TrainingJob, cache: Path, device: torch.device, progress: Progress, *, placed: bool
) -> tuple[FaceSet, FaceSet]:
    """The training and the validation faces; without a validation split both are the same.

    Args:
        placed: with what says where things are on a face.

    Raises:
        UsageError: see :func:`hasnet_models.data.faces.load_splits`.
    """
    preset = job.preset
    tt_size = max(preset.tt.content_size, *preset.tt_train.sizes)
    size = preset.rt_train.size if job.stage == "rt" else tt_size
    with distributed.first_alone():
        table = vector_table(device, placed)
        return load_splits(job.faces, size, cache, table, progress, job.parts)


def run_job(
    job: TrainingJob,
    budget: loop.Budget,
    runtime: Runtime,
    cache: Path,
    say: Callable[[str], None],
    progress: Progress,
    watchers: Sequence[loop.TrainingWatcher] = (),
) -> tuple[list[Path], bool]:
    """Train, then write the averaged weights into the run's folder.

    Returns:
        The weight files written (by the first process), and whether the training was interrupted.

    Raises:
        UsageError: another run writes into the same folder.
        HasnetError: of the kind that fits; what was saved before stays.
    """
    refuse_if_held(job.run / _LOCK)  # nothing is written before all else is known to be right
    stage = make_stage(job, runtime, cache, progress)
    with _own_folder(job.run, say):
        return _run(job, stage, budget, runtime, say, watchers)


@contextlib.contextmanager
def _own_folder(run: Path, say: Callable[[str], None]) -> Iterator[None]:
    """The run's folder, under a lock: the processes of one run share it, two runs do not.

    Raises:
        UsageError: another run has it.
        HasnetError: it cannot be written.
    """
    if distributed.rank() > 0:
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            run.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(run / _LOCK, say))
        except OSError as error:
            raise HasnetError(f"The folder {run} cannot be written: {error.strerror}.") from error
        yield


def _run(
    job: TrainingJob,
    stage: RTStage | TTStage,
    budget: loop.Budget,
    runtime: Runtime,
    say: Callable[[str], None],
    watchers: Sequence[loop.TrainingWatcher],
) -> tuple[list[Path], bool]:
    for line in stage.faces.skipped:
        say(f"left out: {line}")
    if left_out := len(stage.faces.skipped):
        say(f"{left_out} of {left_out + len(stage.faces)} pictures were left out.")
    for line in stage.faces.notes:
        say(line)
    if job.resume not in ("auto", "none"):
        loop.resume(stage, Path(job.resume), runtime.device, say)
    elif job.resume == "auto" and checkpoint.latest(job.run):
        loop.resume(stage, job.run, runtime.device, say)
    interrupted = loop.train(stage, job.run, budget, say, watchers)
    first = distributed.rank() == 0
    return export.export(stage, job.run, job.domain) if first else [], interrupted


def make_stage(
    job: TrainingJob, runtime: Runtime, cache: Path, progress: Progress
) -> RTStage | TTStage:
    """The stage of a job with its faces and the frozen networks it needs.

    Raises:
        UsageError: options that make no sense together; see also :func:`open_faces`.
        WeightsError: weights are missing or of another architecture.
    """
    require_sense(job)
    preset = preset_of(job)
    if job.stage == "rt":
        faces = open_faces(job, cache, runtime.device, progress, placed=preset.rt.zones)
        stage = RTStage(preset, *faces, runtime)
    else:
        stage = _topology(job, preset, runtime, cache, progress)
    if path := base_path(job):
        _start(stage, path, job.domain)
    return stage


def _topology(
    job: TrainingJob, preset: Preset, runtime: Runtime, cache: Path, progress: Progress
) -> TTStage:
    nets = (load.load_rt(job.rt), load.load_vgg(), load.load_identity())
    placed = nets[0].config.zones or preset.tt.shape or preset.tt.appearance
    placed = placed or preset.tt_train.person
    faces = open_faces(job, cache, runtime.device, progress, placed=placed)
    if job.domain and job.domain not in faces[0].by_domain:
        known = ", ".join(faces[0].by_domain)
        raise UsageError(f"{job.faces} has no domain {job.domain!r}.", f"It has {known}.")
    return TTStage(preset, *faces, runtime, nets, (job.domain,) if job.domain else ())


def require_sense(job: TrainingJob) -> None:
    """Refuse options that do nothing, contradict the preset, or name what would be written over.

    Raises:
        UsageError: says which.
    """
    results = [job.run / name for name in (export.RT_FILE, export.TT_FILE, export.D_FILE)]
    for name in ("rt", "base"):
        if (given := getattr(job, name)) and first_same(given, results):
            raise UsageError(
                f"{given} is an input, and the run in {job.run} would write over it.",
                "Give another folder as out=DIR.",
                parameters=(name, "out"),
            )
    if job.stage == "rt":
        for name in ("domain", "rt"):
            if getattr(job, name):
                raise UsageError(f"{name} belongs to stage=tt.", parameters=(name, "stage"))
        return
    if job.preset.tt_train.domain not in ("", job.domain):
        raise UsageError(
            "A head is asked for with domain, not with tt_train.domain.", parameters=("domain",)
        )
    if job.preset.tt.z_dim != identity.EMBEDDING_SIZE:
        raise UsageError(
            f"tt.z_dim is {job.preset.tt.z_dim}, but the embedded identity network gives "
            f"{identity.EMBEDDING_SIZE} numbers.",
            f"Set tt.z_dim={identity.EMBEDDING_SIZE}.",
        )


def base_path(job: TrainingJob) -> Path | None:
    """Where the weights lie that a job starts from; None for random ones."""
    if job.base or not job.domain:
        return job.base
    return files.weight_path(export.TT_FILE)


def preset_of(job: TrainingJob) -> Preset:
    """The preset that is trained, which must have the network of the base.

    Raises:
        UsageError: the base has another network, or the head would be empty.
        WeightsError: the base is missing or damaged.
    """
    path = base_path(job)
    if path is None:
        return job.preset
    read = load.load_rt if job.stage == "rt" else load.load_tt
    base = read(path).config
    if changed := _differences(job.stage, getattr(job.preset, job.stage), base):
        raise UsageError(
            f"The base {path} has another network: {'; '.join(changed)}.",
            "Use the preset that it was trained with.",
        )
    return _head_preset(job, base) if job.domain else job.preset


def _head_preset(job: TrainingJob, base: TTConfig) -> Preset:
    """The preset of a head: its domain, and the size that the base was trained at."""
    c = job.preset.tt_train
    size = c.head_size or base.finest
    if size not in c.sizes:
        raise UsageError(f"The base was trained at {size} px, which tt_train.sizes does not have.")
    if c.head_from > size:
        raise UsageError(f"A head from {c.head_from} px up is empty when it is trained at {size}.")
    train = dataclasses.replace(c, domain=job.domain, head_size=size)
    return dataclasses.replace(job.preset, tt=base, tt_train=train)


def _differences(table: str, wanted: RTConfig | TTConfig, base: RTConfig | TTConfig) -> list[str]:
    now, then = to_dict(wanted), to_dict(base)
    keys = [k for k in now if k not in FREE[table] and now[k] != then[k]]
    return [f"{table}.{k} is {then[k]!r}, not {now[k]!r}" for k in keys]


def _start(stage: RTStage | TTStage, path: Path, domain: str | None) -> None:
    """Begin with the base, and with the discriminator trained with it where it lies beside.

    A base goes on counting the images that it has seen, a head counts its own.
    """
    state, metadata = load.load_state(path)
    beside, d = path.with_name(export.D_FILE), None
    if isinstance(stage, TTStage) and beside.is_file():
        d = stage.d.grown(load.load_state(beside)[0])
    stage.start_from(state, d, 0 if domain else int(metadata.get("images", 0)))
    if domain:
        stage.base = {"config": metadata["config"], "base": sha256_of(path)}
