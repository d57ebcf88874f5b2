"""What is to be trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hasnet_models.config.schema import Preset


@dataclass(frozen=True)
class TrainingJob:
    """What the user asked to be trained.

    Attributes:
        stage: "rt" or "tt".
        faces: a folder of faces, or shards.
        run: the folder for checkpoints, log, previews and at the end the weights.
        domain: train only this domain's head, from the base; None trains the base.
        rt: weights of the RT-Net that stage II stands on; the embedded ones when None.
        base: weights to start from; when None, the embedded TT-Net for a head, else random ones.
        parts: a parts file, see :mod:`hasnet_models.data.parts`; None: the folder's own, if any.
        resume: "auto" (the run's newest checkpoint, if any), "none", or a checkpoint's path.
    """

    stage: str
    faces: Path
    run: Path
    preset: Preset
    domain: str | None = None
    rt: Path | None = None
    base: Path | None = None
    parts: Path | None = None
    resume: str = "auto"
