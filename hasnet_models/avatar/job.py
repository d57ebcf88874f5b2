"""From what is asked for to avatars: a request, made ready once, then one avatar a photo."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from hasnet_models.avatar.request import LIKEST, NO_DOMAIN, RANDOM, Request, Say
from hasnet_models.errors import DomainError

if TYPE_CHECKING:
    import numpy as np

    from hasnet_models.avatar.pipeline import AvatarPipeline, Steps
    from hasnet_models.face import AlignedFace
    from hasnet_models.image_io import Photo
    from hasnet_models.plugins import Domain, Registry
    from hasnet_models.plugins.reference import Reference

Loader = Callable[[str, str], "AvatarPipeline"]


@dataclass(frozen=True)
class Avatar:
    """One result: the picture to write, how it came about, what is to be said and recorded."""

    picture: np.ndarray | Photo
    steps: Steps
    reference: Reference
    domain: Domain | None
    notes: tuple[str, ...]
    metadata: dict[str, str]


@dataclass(frozen=True)
class Found:
    """A photo with its chosen faces cut out: what is done before the networks."""

    photo: Photo
    faces: tuple[AlignedFace, ...]
    notes: tuple[str, ...]
    key: str = ""
    digest: str | None = None


@dataclass(frozen=True)
class Drawn:
    """One face after the networks."""

    reference: Reference
    steps: Steps


def weakened(steps: Steps, strength: float) -> Steps:
    """The avatar drawn back towards X_RT: 0 keeps the face's own shape, 1 is the whole effect."""
    if strength == 1:
        return steps
    import numpy as np

    mixed = steps.x_rt + strength * (steps.x_tt.astype(np.float32) - steps.x_rt)
    return replace(steps, x_tt=mixed.round().astype(np.uint8))


@dataclass(frozen=True)
class Job:
    """A request made ready: weights loaded, domain and, where it is one for all, reference."""

    request: Request
    pipeline: AvatarPipeline
    domain: Domain | None
    fixed: Reference | None
    seed: int
    like: np.ndarray | None = None

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
        liked = _liked_picture(request)
        pipeline = load(request.device, request.backend)
        if picture is not None:
            fixed, notes = pipeline.reference_from_image(picture, request.ref_face)
            for note in notes:
                say(f"{picture.name}: {note}")
            if request.domain is None:
                domain = _nearest(pipeline, fixed, registry, say)
        like = pipeline.reference_from_image(liked)[0].z_id if liked else None
        return cls(request, pipeline, domain, fixed, seed, like)

    @cached_property
    def weights(self) -> dict[str, str]:
        """sha256 of each weight file that the job uses."""
        from hasnet_models.avatar.provenance import weights_hashes

        return weights_hashes(self.domain)

    def make(self, photo: Photo, key: str = "") -> Avatar:
        """As `make_all`, the first of several."""
        return self.make_all(photo, key)[0]

    def make_all(self, photo: Photo, key: str = "") -> list[Avatar]:
        """The avatars of a photo: one a chosen face, or one picture of all with `paste`.

        Args:
            key: makes a random choice of references the photo's own.

        Raises:
            HasnetError: no face, and what else goes wrong with one photo.
        """
        found = self.find(photo, key)
        return self.finish(found, self.draw([found])[0])

    def find(self, photo: Photo, key: str = "", digest: str | None = None) -> Found:
        """Cut out the chosen faces; may run beside the networks, on another thread.

        Args:
            digest: sha256 of the photo's file where it is known; it is read for that otherwise.

        Raises:
            NoFaceError: there is none.
        """
        faces, notes = self.pipeline.crops(photo, self.request.face, self.like)
        return Found(photo, tuple(faces), tuple(notes), key, digest)

    def draw(self, photos: Sequence[Found], batch: int | None = None) -> list[list[Drawn]]:
        """Every face of some photos through the networks, `batch` in one call (all for None)."""
        crops = [face.crop for found in photos for face in found.faces]
        references = [
            self.fixed or self._choose(face.crop, f"{found.key}#{i}" if i else found.key)
            for found in photos
            for i, face in enumerate(found.faces)
        ]
        step = batch or len(crops)
        steps = [
            made
            for i in range(0, len(crops), step)
            for made in self.pipeline.render_many(
                crops[i : i + step], references[i : i + step], self.domain
            )
        ]
        drawn = map(Drawn, references, (weakened(s, self.request.strength) for s in steps))
        return [[next(drawn) for _ in found.faces] for found in photos]

    def finish(self, found: Found, drawn: Sequence[Drawn]) -> list[Avatar]:
        """The pictures to write, of one photo; may run beside the networks, on another thread."""
        if self.request.paste:
            return [self._pasted(found, drawn)]
        from hasnet_models.face.align import resized

        side = self.request.size
        return [
            self._avatar(found, one, resized(one.steps.x_tt, side) if side else one.steps.x_tt, i)
            for i, one in enumerate(drawn, 1)
        ]

    def _pasted(self, found: Found, drawn: Sequence[Drawn]) -> Avatar:
        from hasnet_models.face.paste import paste_all

        avatars = [one.steps.x_tt for one in drawn]
        rgb = paste_all(found.photo.rgb, avatars, found.faces)
        return self._avatar(found, drawn[0], replace(found.photo, rgb=rgb))

    def _avatar(
        self, found: Found, drawn: Drawn, picture: np.ndarray | Photo, number: int | None = None
    ) -> Avatar:
        from hasnet_models.avatar import provenance

        face = str(number) if self.request.several and number else None
        matrix = found.faces[number - 1].matrix if number else None
        metadata = provenance.record(
            found.photo, drawn.reference, self, face, matrix, found.digest
        )
        return Avatar(picture, drawn.steps, drawn.reference, self.domain, found.notes, metadata)

    def _choose(self, crop: np.ndarray, key: str) -> Reference:
        from hasnet_models.plugins.reference import likest

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


def _liked_picture(request: Request) -> Photo | None:
    """The picture of `--face like:PICTURE`."""
    from hasnet_models import image_io

    return image_io.read(request.face[5:]) if request.face.startswith("like:") else None


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
    name = f"domain '{found.name}'" if found else "no domain, so the base network is used"
    say(f"{reference.name} is nearest to {name} (--domain chooses).")
    return found
