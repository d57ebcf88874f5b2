"""hasnet itself, whole and with parts of it left out, through the way that avatars are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models import image_io
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import Request
from hasnet_models.evaluation.inputs import Sample
from hasnet_models.face.choice import ALIGNED, FaceChoice
from hasnet_models.plugins import Registry
from hasnet_models.weights.files import OVERRIDE_VARIABLE

ALIGNED_FACE = FaceChoice(ALIGNED)
NAME = "HASNet"


@dataclass
class Hasnet:
    """Makes avatars of one look in one domain, of the reference that each sample has.

    Attributes:
        load: gives the pipeline, which is kept by whoever made it.
        zones: whether it knows where on the reference's face its colours lie.
        weights: gives a folder whose networks take the place of the installed ones; a domain's own
            head is left out then. Called only where a picture is to be made.
    """

    domain: str
    registry: Registry
    load: Callable[[], Any]
    name: str = NAME
    note: str = ""
    look: Look = field(default_factory=Look)
    zones: bool = True
    weights: Callable[[], Path] | None = None

    def open(self, samples: Sequence[Sample]) -> None:
        """Loads the networks.

        Raises:
            HasnetError: the domain is unknown, weights are missing or damaged.
        """
        with overridden(self.weights() if self.weights else None):
            self._pipeline = self.load()
        self._registry = headless(self.registry) if self.weights else self.registry
        self._registry.get(self.domain)

    def make(self, sample: Sample) -> np.ndarray:
        """uint8 (512, 512, 3)."""
        request = Request(
            domain=self.domain,
            ref=str(sample.reference_path),
            face=ALIGNED_FACE,
            ref_face=ALIGNED_FACE,
            look=self.look,
        )
        job = Job.start(request, self._registry, lambda *_: self._pipeline, _drop)
        if not self.zones and job.fixed is not None:
            job = replace(job, fixed=replace(job.fixed, shares=None))
        return job.make(image_io.read(sample.source_path)).array


def variants(domain: str, registry: Registry, load: Callable[[], Any]) -> list[Hasnet]:
    """hasnet, and without each of its own parts."""
    whole = Hasnet(domain, registry, load)
    return [
        whole,
        replace(whole, name=f"{NAME}, no shape", look=Look(shape=0.0)),
        replace(
            whole,
            name=f"{NAME}, no zones",
            zones=False,
            note=f"{NAME}, no zones: it is not told where on the reference's face colours lie.",
        ),
        replace(whole, name=f"{NAME}, no medium", look=Look(medium=0.0)),
    ]


def headless(registry: Registry) -> Registry:
    """The same domains without heads, whose tensors would take the place of other weights."""
    return replace(registry, domains=tuple(replace(d, head_file=None) for d in registry.domains))


@contextmanager
def overridden(folder: Path | None) -> Iterator[None]:
    """Weight files of a folder come first meanwhile."""
    if folder is None:
        yield
        return
    before = os.environ.get(OVERRIDE_VARIABLE)
    os.environ[OVERRIDE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[OVERRIDE_VARIABLE]
        else:
            os.environ[OVERRIDE_VARIABLE] = before


def _drop(_text: str) -> None:
    """Notes on a single avatar are of no interest in a table."""
