"""From what is asked for to avatars: a request, made ready once, then one avatar a photo."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.avatar import provenance
from hasnet_models.avatar.layer import Layer, for_paste, layer_of
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.materials import Materials, materials, read_files
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import LIKEST, NO_DOMAIN, RANDOM, Request, Say
from hasnet_models.avatar.steps import Pipeline, Steps, weakened
from hasnet_models.controls.background import before
from hasnet_models.controls.background_choice import TRANSPARENT
from hasnet_models.controls.mix import mix
from hasnet_models.errors import DomainError, PluginError
from hasnet_models.face.align import resized, warp
from hasnet_models.face.choice import LIKE, FaceChoice
from hasnet_models.face.matte import matte
from hasnet_models.face.paste import paste_all, paste_masks
from hasnet_models.face.types import AlignedFace
from hasnet_models.filenames import STREAM
from hasnet_models.image_io import Photo
from hasnet_models.plugins import Domain, Registry
from hasnet_models.plugins.naming import folder_of, is_path
from hasnet_models.plugins.reference import Reference, likest
from hasnet_models.restoring.choice import AUTO
from hasnet_models.restoring.restorer import Restorer, all_restored, restorer_of

Loader = Callable[[str, str, str], Pipeline]
Touch = Callable[[int, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class PhotoFaces:
    """A photo with its chosen faces cut out: what is done before the networks.

    Attributes:
        notes: for the user.
        key: makes a random choice of references the photo's own.
        digest: sha256 of the photo's file where it is known.
        references: one a face where they are chosen already, else none.
    """

    photo: Photo
    faces: tuple[AlignedFace, ...]
    notes: tuple[str, ...]
    key: str = ""
    digest: str | None = None
    references: tuple[Reference, ...] = ()


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
        materials: what the look's files hold.
        layer: the medium; None for none.
        restorer: makes faces better before they are drawn; None for none.
    """

    request: Request
    pipeline: Pipeline
    domain: Domain | None
    fixed: Reference | None
    seed: int
    like: np.ndarray | None = None
    materials: Materials = field(default_factory=Materials)
    layer: Layer | None = None
    restorer: Restorer | None = None

    @classmethod
    def start(cls, request: Request, registry: Registry, load: Loader, say: Say) -> Job:
        """Check the request, then do the cheap steps before the dear ones.

        Args:
            registry: the installed domains.
            load: gives the pipeline for a device, a backend and a runtime; called last.
            say: takes notes for the user.

        Raises:
            HasnetError: of the kind that fits.
        """
        request.check()
        domain = _named_domain(request, registry)
        fixed = _named_reference(request, domain)
        layer = layer_of(request.look, domain)
        seed = request.seed if request.seed is not None else random.randrange(2**31)
        if request.reference == RANDOM:
            say(f"Seed {seed}.")
        picture = image_io.read(request.ref) if request.ref is not None else None
        liked = _liked_picture(request.face)
        files = read_files(request.look)
        restorer = restorer_of(request.restore)
        pipeline = load(request.device, request.backend, request.runtime)
        if picture is not None:
            fixed, notes = pipeline.reference_from_image(picture, request.ref_face)
            for note in notes:
                say(f"{picture.name}: {note}")
            if request.domain is None:
                domain = _nearest(pipeline, fixed, registry, request.look, say)
                layer = layer_of(request.look, domain)
        like = _likeness(pipeline, liked, say) if liked else None
        own = materials(files, pipeline, say)
        return cls(request, pipeline, domain, fixed, seed, like, own, layer, restorer)

    @cached_property
    def weights(self) -> dict[str, str]:
        """sha256 of each weight file that the job uses."""
        return provenance.weights_hashes(self.domain, restoring=self.request.restore == AUTO)

    @property
    def portable_request(self) -> Request:
        """The request as another process understands it, chance included."""
        request = replace(self.request, face=self.request.face.absolute())
        request = replace(request, look=request.look.absolute())
        if request.domain is not None and is_path(request.domain):
            request = replace(request, domain=str(folder_of(request.domain)))
        if request.ref not in (None, STREAM):
            request = replace(request, ref=str(Path(request.ref).absolute()))
        if (file := request.restorer_file) is not None:
            request = replace(request, restore=str(Path(file).absolute()))
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
        faces, more = all_restored(self.restorer, faces)
        return PhotoFaces(photo, tuple(faces), (*notes, *more), key, digest)

    def render(
        self, photos: Sequence[PhotoFaces], batch: int | None = None
    ) -> list[list[Rendering]]:
        """Every face of the photos through the networks, `batch` in one call (all for None)."""
        faces = [face for cut in photos for face in cut.faces]
        references = [reference for cut in photos for reference in self._references(cut)]
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

    def finish(
        self, cut: PhotoFaces, renderings: Sequence[Rendering], touch: Touch | None = None
    ) -> list[Portrait]:
        """The pictures to write, of one photo; may run beside the networks, on another thread.

        Args:
            touch: gives an avatar uint8 (S, S, 3) that is in its medium, and which face's it is
                from 0, another look before it is pasted.
        """
        touch = touch or (lambda _face, avatar: avatar)
        if self.request.paste:
            return [self._pasted(cut, renderings, touch)]
        return [self._portrait(cut, one, i, touch) for i, one in enumerate(renderings, 1)]

    def _pasted(
        self, cut: PhotoFaces, renderings: Sequence[Rendering], touch: Touch
    ) -> Portrait:
        avatars = enumerate(self._for_paste(cut, renderings))
        rgb = paste_all(cut.photo.rgb, [touch(i, avatar) for i, avatar in avatars], cut.faces)
        if self._cut_out:
            rgb = self._covered(rgb, cut, renderings)
        rgb, alpha = self._before_background(rgb, self._persons(cut, renderings), cut.photo.alpha)
        if not self._cut_out:
            rgb = self._covered(rgb, cut, renderings)
        shown = warp(rgb, cut.faces[0].matrix) if self.layer else None
        metadata = provenance.record(
            self._origin,
            cut.photo,
            renderings[0].reference,
            digest=cut.digest,
            others=[one.reference for one in renderings[1:]],
        )
        return self._described(cut, renderings[0], rgb, metadata, alpha, shown)

    def _for_paste(self, cut: PhotoFaces, renderings: Sequence[Rendering]) -> list[np.ndarray]:
        """The avatars of a photo, in the medium unless that is laid on the whole photo."""
        steps = [one.steps for one in renderings]
        if self.layer is None or self.request.medium_all:
            return [one.x_tt for one in steps]
        pairs = zip(steps, cut.faces, strict=True)
        return [self.layer.on_face(for_paste(one.x_tt, face), one) for one, face in pairs]

    def _covered(
        self, rgb: np.ndarray, cut: PhotoFaces, renderings: Sequence[Rendering]
    ) -> np.ndarray:
        """The whole photo in the medium, where that was asked for."""
        if self.layer is None or not self.request.medium_all:
            return rgb
        return self.layer.on_photo(rgb, cut.faces, [one.steps for one in renderings])

    def _persons(self, cut: PhotoFaces, renderings: Sequence[Rendering]) -> np.ndarray | None:
        """What of a whole photo stands before the background, (H, W) 0..1, avatars as drawn."""
        masks = [one.steps.person for one in renderings if one.steps.person is not None]
        if not masks:
            return None
        whole = matte(self.pipeline.person_mask(cut.photo), cut.photo.rgb)
        return paste_masks(whole, masks, cut.faces)

    def _before_background(
        self, rgb: np.ndarray, person: np.ndarray | None, alpha: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """A picture before the background of the look, and its alpha.

        Args:
            alpha: of the picture itself; what is transparent there is background too.
        """
        if person is None:
            return rgb, alpha
        if alpha is not None:
            person = person * (alpha.astype(np.float32) / 255)
        return before(rgb, person, self.request.look.background, self.materials.background)

    def _portrait(
        self, cut: PhotoFaces, rendering: Rendering, number: int, touch: Touch
    ) -> Portrait:
        avatar, alpha = self._avatar(rendering.steps)
        avatar = touch(number - 1, avatar)
        metadata = provenance.record(
            self._origin,
            cut.photo,
            rendering.reference,
            number=number if self.request.several else None,
            matrix=cut.faces[number - 1].matrix,
            digest=cut.digest,
        )
        return self._described(
            cut, rendering, avatar, metadata, alpha, avatar if self.layer else None
        )

    def _avatar(self, steps: Steps) -> tuple[np.ndarray, np.ndarray | None]:
        """One face at the size that was asked for, before its background and in its medium."""
        avatar, side = steps.x_tt, self.request.size or len(steps.x_tt)
        person = None if steps.person is None else steps.person.astype(np.float32) / 255
        if self.layer and self._cut_out:
            avatar = self.layer.on_face(resized(avatar, side), steps)
            person = None if person is None else resized(person, side).clip(0, 1)
        avatar, alpha = self._before_background(avatar, person)
        avatar, alpha = resized(avatar, side), None if alpha is None else resized(alpha, side)
        if self.layer and not self._cut_out:
            avatar = self.layer.on_face(avatar, steps)
        return avatar, alpha

    @property
    def _cut_out(self) -> bool:
        """Whether a transparent background is cut out last, so that no paper is left around."""
        return self.request.look.background.kind == TRANSPARENT

    def _described(
        self,
        cut: PhotoFaces,
        rendering: Rendering,
        rgb: np.ndarray,
        metadata: dict[str, str],
        alpha: np.ndarray | None,
        shown: np.ndarray | None,
    ) -> Portrait:
        """The portrait of a picture; `shown` is the face in it, in its medium."""
        reference, domain, steps = rendering.reference, metadata["domain"], rendering.steps
        if shown is not None:
            steps = replace(steps, medium=resized(shown, len(steps.x_tt)))
        return Portrait(
            rgb, domain, reference.name, reference.palette, cut.notes, metadata, steps,
            cut.photo, alpha, self._cut_out, self.request.files,
        )  # fmt: skip

    @cached_property
    def _origin(self) -> provenance.Origin:
        where = self.pipeline.device, self.pipeline.runtime_name
        return provenance.Origin(
            self.request, self.domain, self.seed, *where, self.weights, self.layer
        )

    def _references(self, cut: PhotoFaces) -> Sequence[Reference]:
        return cut.references or [
            self.reference_for(face.crop, f"{cut.key}#{i}" if i else cut.key)
            for i, face in enumerate(cut.faces)
        ]

    def reference_for(self, crop: np.ndarray, key: str) -> Reference:
        """The reference of an aligned face, in the user's palette; `key` is for chance."""
        return self.materials.dressed(self.fixed or self._choose(crop, key))

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


def _likeness(pipeline: Pipeline, picture: Photo, say: Say) -> np.ndarray:
    """z_id of the face in a picture, with what is to be said of it, such as that it has none."""
    reference, notes = pipeline.reference_from_image(picture)
    for note in notes:
        say(f"{picture.name}: {note}")
    return reference.z_id


def _named_reference(request: Request, domain: Domain | None) -> Reference | None:
    if domain is not None and request.mix is not None:
        return mix([domain.reference(name) for name in request.mix.names], request.mix.weights)
    if domain is None or request.reference in (None, LIKEST, RANDOM):
        return None
    return domain.reference(request.reference)


def _nearest(
    pipeline: Pipeline, reference: Reference, registry: Registry, look: Look, say: Say
) -> Domain | None:
    """The domain whose network, shape and medium a reference of the user's own is given."""
    usable = {}
    for domain in registry.domains:
        try:
            _check_files(domain)
            usable[domain.name] = domain, layer_of(look, domain)
        except (DomainError, PluginError) as error:
            say(f"Domain {domain.name} is left out: {error}")
    nearest = pipeline.nearest_domain(reference, [domain for domain, _ in usable.values()])
    if nearest is None:
        say(f"{reference.name} is nearest to no domain, so the base network is used.")
        return None
    layer = usable[nearest.name][1]
    made_in = f", whose medium is {layer.medium.kind}" if layer else ""
    hint = "domain=NAME or medium_kind=none choose" if layer else "domain=NAME chooses"
    say(f"{reference.name} is nearest to domain '{nearest.name}'{made_in} ({hint}).")
    return nearest
