"""From what is asked for to avatars: a request, made ready once, then one avatar a photo."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hasnet_models import __version__
from hasnet_models.errors import DomainError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from hasnet_models.domains import Domain, Registry
    from hasnet_models.image_io import Photo
    from hasnet_models.pipeline import AvatarPipeline, Steps
    from hasnet_models.reference import Reference

NO_DOMAIN = "none"
LIKEST = "likest"
RANDOM = "random"
STREAM = "-"

Say = Callable[[str], None]
Loader = Callable[[str, str], "AvatarPipeline"]


def stem_of(picture: str) -> str:
    """What an output is called after: the file name without suffix."""
    return "stdin" if picture == STREAM else Path(picture).stem


@dataclass(frozen=True)
class Request:
    """The options of `avatar` and `batch` that say what an avatar is to look like."""

    domain: str | None = None
    ref: str | None = None
    reference: str | None = None
    seed: int | None = None
    face: str = "auto"
    ref_face: str = "auto"
    device: str = "auto"
    backend: str = "embedded"
    paste: bool = False

    def check(self) -> None:
        """Raises UsageError where the options contradict each other."""
        if self.ref is None and self.domain in (None, NO_DOMAIN):
            raise UsageError(
                "Say what the avatar is to look like.",
                "Give --domain NAME (see `hasnet domains`) or --ref PICTURE.",
            )
        if self.ref is not None and self.reference is not None:
            raise UsageError("--reference chooses among a domain's own; it does not go with --ref.")
        if self.seed is not None and self.reference != RANDOM:
            raise UsageError("--seed goes with --reference random.")

    @property
    def label(self) -> str:
        """What an output is called after: the domain, or the picture given with --ref."""
        if self.domain not in (None, NO_DOMAIN):
            return self.domain.rpartition("/")[2]
        return stem_of(self.ref or "")

@dataclass(frozen=True)
class Avatar:
    """One result: the picture to write, how it came about, and what is to be said."""

    picture: np.ndarray | Photo
    steps: Steps
    reference: Reference
    domain: Domain | None
    notes: tuple[str, ...]

    def metadata(self) -> dict[str, str]:
        """What is written into the file."""
        domain = self.domain.name if self.domain else NO_DOMAIN
        return {
            "version": __version__,
            "domain": domain,
            "reference": self.reference.name,
        }


@dataclass(frozen=True)
class Job:
    """A request made ready: weights loaded, domain and, where it is one for all, reference."""

    request: Request
    pipeline: AvatarPipeline
    domain: Domain | None
    fixed: Reference | None
    seed: int

    @classmethod
    def start(cls, request: Request, registry: Registry, load: Loader, say: Say) -> Job:
        """Check the request, then do the cheap steps before the dear ones.

        Args:
            registry: the installed domains.
            load: gives the pipeline for a device and a backend; called last.
            say: takes notes for the user.

        Raises:
            HasnetError: of the kind that fits.
        """
        from hasnet_models import image_io

        request.check()
        domain = _named_domain(request, registry)
        fixed = _named_reference(request, domain)
        seed = request.seed if request.seed is not None else random.randrange(2**31)
        if request.reference == RANDOM:
            say(f"Seed {seed}.")
        picture = image_io.read(request.ref) if request.ref is not None else None
        pipeline = load(request.device, request.backend)
        if picture is not None:
            fixed, notes = pipeline.reference_from_image(picture, request.ref_face)
            for note in notes:
                say(f"{picture.name}: {note}")
            if request.domain is None:
                domain = _nearest(pipeline, fixed, registry, say)
        return cls(request, pipeline, domain, fixed, seed)

    def make(self, photo: Photo, key: str = "") -> Avatar:
        """The avatar of a photo; `key` makes a random choice the photo's own.

        Raises:
            HasnetError: no face, and what else goes wrong with one photo.
        """
        aligned, notes = self.pipeline.crop(photo, self.request.face)
        reference = self.fixed or self._choose(aligned.crop, key)
        steps = self.pipeline.render(aligned.crop, reference, self.domain)
        picture: np.ndarray | Photo = steps.x_tt
        if self.request.paste:
            from hasnet_models.face.paste import paste

            picture = replace(photo, rgb=paste(photo.rgb, steps.x_tt, aligned))
        return Avatar(picture, steps, reference, self.domain, tuple(notes))

    def _choose(self, crop: np.ndarray, key: str) -> Reference:
        from hasnet_models.reference import likest

        assert self.domain is not None
        references = self.domain.references
        if self.request.reference == RANDOM:
            return random.Random(f"{self.seed}:{key}").choice(references)
        return likest(references, self.pipeline.embed(crop))


def _named_domain(request: Request, registry: Registry) -> Domain | None:
    """The domain that was asked for, its files checked."""
    if request.domain in (None, NO_DOMAIN):
        return None
    domain = registry.get(request.domain)
    _check_files(domain)
    return domain


def _check_files(domain: Domain) -> None:
    """Both are checked when first used; a batch must not find out at its first photo."""
    _ = domain.references, domain.head


def _named_reference(request: Request, domain: Domain | None) -> Reference | None:
    if domain is None or request.reference in (None, LIKEST, RANDOM):
        return None
    return domain.reference(request.reference)


def _nearest(
    pipeline: AvatarPipeline, reference: Reference, registry: Registry, say: Say
) -> Domain | None:
    usable = []
    for domain in registry.domains:
        try:
            _check_files(domain)
        except DomainError as error:
            say(f"Domain {domain.name} is left out: {error}")
        else:
            usable.append(domain)
    found = pipeline.nearest_domain(reference, usable)
    name = f"domain '{found.name}'" if found else "no domain's; the base network is used"
    say(f"{reference.name} is nearest to {name} (--domain chooses).")
    return found
