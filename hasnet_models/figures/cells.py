"""The pictures of a figure, made as every avatar is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hasnet_models import image_io
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import Request
from hasnet_models.data.pictures import picture_files, square
from hasnet_models.errors import UsageError
from hasnet_models.face.choice import ALIGNED, FaceChoice
from hasnet_models.figures import plan
from hasnet_models.figures.gallery import Face
from hasnet_models.figures.plan import Sample
from hasnet_models.frame import CROP_SIZE
from hasnet_models.plugins import Registry
from hasnet_models.sheet import palette_cell

Pixels = NDArray[np.uint8]

_CUT = FaceChoice(ALIGNED)
# A map of colours would bring the reference's colours back that RT-Net is to be missed for.
_LOOKS = {
    plan.WITHOUT_RT: Look(appearance=0),
    plan.NO_SHAPE: Look(shape=0),
    plan.NO_MAP: Look(appearance=0),
}
_WHOLE = Look()


@dataclass
class Maker:
    """Makes what is shown of samples, each avatar once.

    Attributes:
        load: gives the pipeline for a device and a backend; called once.
        say: takes notes.
    """

    registry: Registry
    load: Callable[[str, str], Any]
    device: str = "auto"
    say: Callable[[str], None] = lambda _text: None
    _pipelines: dict[bool, Any] = field(default_factory=dict)
    _jobs: dict[tuple[Any, ...], Job] = field(default_factory=dict)
    _portraits: dict[tuple[Any, ...], Portrait] = field(default_factory=dict)

    def cell(self, sample: Sample, column: str) -> Pixels:
        """One picture, uint8 (S, S, 3).

        Args:
            column: one of those that `plan` names.

        Raises:
            HasnetError: no face, and what else goes wrong with one picture.
        """
        if column == plan.REFERENCE:
            return self._reference(sample)
        portrait = self._portrait(sample, _LOOKS.get(column, _WHOLE), column == plan.WITHOUT_RT)
        steps = portrait.steps
        return {
            plan.SOURCE: steps.source, plan.STAGE_I: steps.x_rt, plan.HASNET: portrait.array,
        }.get(column, steps.x_tt)  # fmt: skip

    def _portrait(self, sample: Sample, look: Look, without_rt: bool) -> Portrait:
        key = (sample, look, without_rt)
        if key not in self._portraits:
            job = self._job(sample, look, without_rt, sample.source.aligned)
            self._portraits[key] = job.make(image_io.read(sample.source.path))
        return self._portraits[key]

    def _job(self, sample: Sample, look: Look, without_rt: bool, aligned: bool) -> Job:
        key = (sample.domain, sample.reference, look, without_rt, aligned)
        if key not in self._jobs:
            request = Request(
                domain=sample.domain, look=look, device=self.device, **_reference_of(sample),
                face=_CUT if aligned else FaceChoice(),
            )  # fmt: skip
            self._jobs[key] = Job.start(
                request, self.registry, lambda *args: self._pipeline(without_rt, *args), self.say
            )
        return self._jobs[key]

    def _pipeline(self, without_rt: bool, *how: str) -> Any:
        if False not in self._pipelines:
            self._pipelines[False] = self.load(*how)
        if without_rt and True not in self._pipelines:
            self._pipelines[True] = self._pipelines[False].without_rt()
        return self._pipelines[without_rt]

    def _reference(self, sample: Sample) -> Pixels:
        """The picture, or where there is none the colours."""
        of = sample.reference
        if isinstance(of, Face):
            return square(image_io.read(of.path).rgb, CROP_SIZE)
        return palette_cell(self.registry.get(sample.domain).reference(of).palette, of, CROP_SIZE)


def _reference_of(sample: Sample) -> dict[str, Any]:
    of = sample.reference
    if isinstance(of, str):
        return {"reference": of}
    return {"ref": str(of.path), "ref_face": _CUT if of.aligned else FaceChoice()}


@dataclass(frozen=True)
class Outputs:
    """What another system made, a picture a sample, called after the sample."""

    name: str
    files: Mapping[str, Path]

    @classmethod
    def read(cls, folder: Path, name: str) -> Outputs:
        """Raises UsageError: there is no such folder, or no picture in it."""
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.")
        files = {path.stem: path for path in picture_files(folder)}
        if not files:
            raise UsageError(f"The folder {folder} holds no pictures.")
        return cls(name, files)

    def cell(self, sample: Sample) -> Pixels | None:
        """Its picture, cut square; None where it has none.

        Raises:
            ImageError: it cannot be read.
        """
        path = self.files.get(sample.name)
        return None if path is None else square(image_io.read(path).rgb, CROP_SIZE)

    def missing(self, samples: Iterable[Sample]) -> list[str]:
        """The samples that it has no picture of."""
        return [sample.name for sample in samples if sample.name not in self.files]
