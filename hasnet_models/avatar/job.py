"""From what is asked for to avatars: a request, made ready once, then one avatar a photo."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.avatar import provenance
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import LIKEST, NO_DOMAIN, RANDOM, Request, Say
from hasnet_models.avatar.steps import Pipeline, Steps, weakened
from hasnet_models.errors import DomainError
from hasnet_models.face.align import resized
from hasnet_models.face.choice import LIKE, FaceChoice
from hasnet_models.face.paste import paste_all
from hasnet_models.face.types import AlignedFace
from hasnet_models.filenames import STREAM
from hasnet_models.image_io import Photo
from hasnet_models.plugins import Domain, Registry
from hasnet_models.plugins.reference import Reference, likest

Loader = Callable[[str, str], Pipeline]


@dataclass(frozen=True, eq=False)
class PhotoFaces:
    """A photo with its chosen faces cut out: what is done before the networks.

    Attributes:
        notes: for the user.
        key: makes a random choice of references the photo's own.
        digest: sha256 of the photo's file where it is known.
    """

    photo: Photo
    faces: tuple[AlignedFace, ...]
    notes: tuple[str, ...]
    key: str = ""
    digest: str | None = None


@dataclass(frozen=True, eq=False)
class Rendering:
    """One face after the networks."""

    reference: Reference
    steps: Steps


@dataclass(frozen=True, eq=False)
class Job:
    """A request made ready: weights loaded, domain and, where it is one for all, reference.

    Attributes:
        domain: None for the base network.
        fixed: the reference of all photos; None where each has its own.
        seed: of a random choice of references.
        like: z_id of the face that is looked for.
    """

    request: Request
    pipeline: Pipeline
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
        request.check()
        domain = _named_domain(request, registry)
        fixed = _named_reference(request, domain)
        seed = request.seed if request.seed is not None else random.randrange(2**31)
        if request.reference == RANDOM:
            say(f"Seed {seed}.")
        picture = image_io.read(request.ref) if request.ref is not None else None
        liked = _liked_picture(request.face)
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
        return provenance.weights_hashes(self.domain)

    @property
    def portable_request(self) -> Request:
        """The request as another process understands it, chance included."""
        request = replace(self.request, face=self.request.face.absolute())
        if request.ref not in (None, STREAM):
            request = replace(request, ref=str(Path(request.ref).absolute()))
        return replace(request, seed=self.seed) if request.reference == RANDOM else request

    def make(self, photo: Photo, key: str = "") -> Portrait:
        """As `make_all`, the first of several."""
        return self.make_all(photo, key)[0]

    def make_all(self, photo: Photo, key: str = "") -> list[Portrait]:
        """The avatars of a photo: one a chosen face, or one picture of all with `paste`.

        Args:
            key: makes a random choice of references the photo's own.

        Raises:
            HasnetError: no face, and what else goes wrong with one photo.
        """
        cut = self.cut(photo, key)
        return self.finish(cut, self.render([cut])[0])

    def cut(self, photo: Photo, key: str = "", digest: str | None = None) -> PhotoFaces:
        """Cut out the chosen faces; may run beside the networks, on another thread.

        Args:
            digest: sha256 of the photo's file where it is known; it is read for that otherwise.

        Raises:
            NoFaceError: there is none.
        """
        faces, notes = self.pipeline.crops(photo, self.request.face, self.like)
        return PhotoFaces(photo, tuple(faces), tuple(notes), key, digest)

    def render(
        self, photos: Sequence[PhotoFaces], batch: int | None = None
    ) -> list[list[Rendering]]:
        """Every face of the photos through the networks, `batch` in one call (all for None)."""
        faces = [face for cut in photos for face in cut.faces]
        references = [
            self.fixed or self._choose(face.crop, f"{cut.key}#{i}" if i else cut.key)
            for cut in photos
            for i, face in enumerate(cut.faces)
        ]
        step, look = batch or len(faces), self.request.look
        whole = [
            steps
            for i in range(0, len(faces), step)
            for steps in self.pipeline.render_many(
                faces[i : i + step], references[i : i + step], self.domain, look
            )
        ]
        steps = (weakened(one, look.strength) for one in whole)
        renderings = map(Rendering, references, steps)
        return [[next(renderings) for _ in cut.faces] for cut in photos]

    def finish(self, cut: PhotoFaces, renderings: Sequence[Rendering]) -> list[Portrait]:
        """The pictures to write, of one photo; may run beside the networks, on another thread."""
        if self.request.paste:
            return [self._pasted(cut, renderings)]
        return [self._portrait(cut, one, number) for number, one in enumerate(renderings, 1)]

    def _pasted(self, cut: PhotoFaces, renderings: Sequence[Rendering]) -> Portrait:
        rgb = paste_all(cut.photo.rgb, [one.steps.x_tt for one in renderings], cut.faces)
        metadata = provenance.record(
            self._origin, cut.photo, renderings[0].reference, digest=cut.digest
        )
        return self._described(cut, renderings[0], rgb, metadata, cut.photo.alpha)

    def _portrait(self, cut: PhotoFaces, rendering: Rendering, number: int) -> Portrait:
        avatar, side = rendering.steps.x_tt, self.request.size
        metadata = provenance.record(
            self._origin,
            cut.photo,
            rendering.reference,
            number=number if self.request.several else None,
            matrix=cut.faces[number - 1].matrix,
            digest=cut.digest,
        )
        return self._described(cut, rendering, resized(avatar, side) if side else avatar, metadata)

    def _described(
        self,
        cut: PhotoFaces,
        rendering: Rendering,
        rgb: np.ndarray,
        metadata: dict[str, str],
        alpha: np.ndarray | None = None,
    ) -> Portrait:
        reference, domain = rendering.reference, metadata["domain"]
        return Portrait(
            rgb, domain, reference.name, reference.palette, cut.notes, metadata, rendering.steps,
            cut.photo, alpha,
        )  # fmt: skip

    @cached_property
    def _origin(self) -> provenance.Origin:
        device = str(self.pipeline.device)
        return provenance.Origin(self.request, self.domain, self.seed, device, self.weights)

    def _choose(self, crop: np.ndarray, key: str) -> Reference:
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


def _liked_picture(face: FaceChoice) -> Photo | None:
    """The picture that the face is to be like."""
    return image_io.read(face.picture) if face.kind == LIKE else None


def _named_reference(request: Request, domain: Domain | None) -> Reference | None:
    if domain is None or request.reference in (None, LIKEST, RANDOM):
        return None
    return domain.reference(request.reference)


def _nearest(
    pipeline: Pipeline, reference: Reference, registry: Registry, say: Say
) -> Domain | None:
    usable = []
    for domain in registry.domains:
        try:
            _check_files(domain)
        except DomainError as error:
            say(f"Domain {domain.name} is left out: {error}")
        else:
            usable.append(domain)
    nearest = pipeline.nearest_domain(reference, usable)
    name = f"domain '{nearest.name}'" if nearest else "no domain, so the base network is used"
    say(f"{reference.name} is nearest to {name} (domain=NAME chooses).")
    return nearest
