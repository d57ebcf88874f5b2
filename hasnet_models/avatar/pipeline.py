"""Photo to avatar: the only place where face, palette, identity and the two networks meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hasnet_models.avatar import shaping, wishes
from hasnet_models.avatar.geometry import Geometry
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.reading import reference_of
from hasnet_models.avatar.steps import Steps
from hasnet_models.avatar.wishes import Wish
from hasnet_models.controls.tint import shares_of, tinted
from hasnet_models.errors import UsageError, WeightsError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.drawn_too import DrawnToo
from hasnet_models.face.search import locate, locate_reference, select
from hasnet_models.face.types import AlignedFace, Detector, Face
from hasnet_models.frame import has_extent
from hasnet_models.image_io import Photo
from hasnet_models.palette import distance as palette_distance
from hasnet_models.plugins import Domain
from hasnet_models.plugins.detectors import load_detector
from hasnet_models.plugins.reference import Z_ID_MODEL, Reference
from hasnet_models.runtimes.arrays import from_pixels, stacked, to_pixels
from hasnet_models.runtimes.choice import load_runtime
from hasnet_models.runtimes.contract import Planes, Runtime

NEIGHBOURS = 3
PALETTE_WEIGHT = 1.0
FAR = 0.75

AUTO = FaceChoice()
WHOLE = Look()


@dataclass
class AvatarPipeline:
    """The networks in a runtime, and what finds faces for them.

    Attributes:
        use_rt: False gives TT-Net the source itself in place of X_RT, the paper's "Source+TT-Net".
    """

    runtime: Runtime
    detector: Detector
    geometry: Geometry = field(default_factory=Geometry)
    use_rt: bool = True

    @classmethod
    def load(
        cls, device: str = "auto", backend: str = "embedded", runtime: str = "auto"
    ) -> AvatarPipeline:
        """The pipeline with the embedded weights.

        Args:
            device: "auto", "cpu", "cuda", "cuda:N" or "mps".
            backend: face detector, "embedded", "insightface" or one of a plugin.
            runtime: "auto", "onnx" or "torch".

        Raises:
            UsageError: the runtime does not compute on that device.
            DeviceError: the device is not usable here.
            WeightsError: weights are missing or damaged.
        """
        networks = load_runtime(runtime, device)
        geometry = Geometry().open()
        detector = DrawnToo(load_detector(backend), lambda: geometry.drawn)
        return cls(networks, detector, geometry)

    @property
    def device(self) -> str:
        """Where the networks compute."""
        return self.runtime.device

    @property
    def runtime_name(self) -> str:
        """What computes them, "onnx" or "torch"."""
        return self.runtime.name

    def without_rt(self) -> AvatarPipeline:
        """The same networks without RT-Net."""
        return replace(self, use_rt=False)

    def crop(self, photo: Photo, choice: FaceChoice = AUTO) -> tuple[AlignedFace, list[str]]:
        """The aligned face of a photo with its geometry, and notes for the user.

        Raises:
            NoFaceError: there is no face.
        """
        aligned, notes = locate(photo, choice, self.detector)
        faces, more = self._known([aligned], photo)
        return faces[0], notes + more

    def crops(
        self, photo: Photo, choice: FaceChoice = AUTO, like: np.ndarray | None = None
    ) -> tuple[list[AlignedFace], list[str]]:
        """The chosen faces of a photo (see `face.search.select`) with their geometry, and notes.

        Args:
            like: z_id that "like:PICTURE" compares with.

        Raises:
            NoFaceError: there is no such face.
        """
        likeness = None if like is None else (lambda crop: float(self.embed(crop) @ like))
        faces, notes = select(photo, choice, self.detector, likeness)
        faces, more = self._known(faces, photo)
        return faces, notes + more

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """All faces of a picture uint8 (H, W, 3), not cut out, the largest first."""
        return [face for face in self.detector.detect(rgb) if has_extent(face.landmarks)]

    def known(self, aligned: AlignedFace, rgb: np.ndarray) -> AlignedFace:
        """A face that was cut out of `rgb`, with its geometry."""
        return self.geometry.known(aligned, rgb)

    def _known(
        self, faces: Sequence[AlignedFace], photo: Photo
    ) -> tuple[list[AlignedFace], list[str]]:
        """The faces with their geometry, and a note on those whose geometry is not to be found."""
        found = [self.geometry.known(face, photo.rgb) for face in faces]
        without = sum(face.mesh is None for face in found)
        which = "The face has" if len(found) == 1 else f"{without} of {len(found)} faces have"
        note = f"{which} no mesh that is sure: no change of shape, colours by a mean face."
        return found, [note] if without else []

    def reference_from_image(
        self, photo: Photo, choice: FaceChoice = AUTO
    ) -> tuple[Reference, list[str]]:
        """All that is taken from a picture, and notes for the user.

        A picture without a face that can be found is taken as an aligned crop.
        """
        aligned, notes = locate_reference(photo, choice, self.detector)
        return reference_of(self.geometry.known(aligned, photo.rgb), photo.name, self.embed), notes

    def embed(self, crop: np.ndarray) -> np.ndarray:
        """z_id of an aligned face, uint8 (S, S, 3) -> float32 (D,) of unit length."""
        return self.runtime.embed(crop[None])[0]

    def nearest_domain(self, reference: Reference, domains: Sequence[Domain]) -> Domain | None:
        """The domain whose references are most like this one; None where all are far.

        Domains differ in how like their own references are to each other (anime far more than
        oil), so a likeness counts as a share of the domain's own.
        """
        scores = [likeness(reference, d.references) / own_likeness(d.references) for d in domains]
        best = int(np.argmax(scores)) if scores else None
        return domains[best] if best is not None and scores[best] > FAR else None

    def render(
        self, face: AlignedFace, reference: Reference, domain: Domain | None, look: Look = WHOLE
    ) -> Steps:
        """Make one avatar, see `render_many`."""
        return self.render_many([face], [reference], domain, look)[0]

    def render_many(
        self,
        faces: Sequence[AlignedFace],
        references: Sequence[Reference],
        domain: Domain | None,
        look: Look = WHOLE,
    ) -> list[Steps]:
        """Make avatars in one call of the networks.

        Args:
            faces: at least one, with crops of one size.
            references: one for each.
            domain: whose head and shape are used; None for the base network without a domain code.
            look: how far shape and colouring go.

        Raises:
            UsageError: a reference's z_id comes from another network.
            DomainError, WeightsError: the domain's head is missing, damaged or does not fit, or
                gives what is no number.
        """
        for reference in references:
            _check_z_id(reference)
        run, pictures = self.runtime, np.stack([face.crop for face in faces])
        references = [tinted(one, look.colour) for one in references]
        wanted = [wishes.wish(face, look) for face in faces]
        gray, x_rt = self.recoloured(pictures, references, wanted)
        if not (self.use_rt and run.uses_rt):
            x_rt = from_pixels(pictures)
        pairs = zip(faces, references, strict=True)
        guides = [shaping.guide(face, one, domain, look) for face, one in pairs]
        x_warp, person = shaping.shaped(run, x_rt, guides)
        own = wishes.keeping(run, guides, wanted)
        x_map = shaping.coloured(run, x_warp, guides, look.colouring)
        x_map = wishes.with_own_colours(run, x_map, own)
        z_ids, code = stacked([r.z_id for r in references]), self._code(domain, len(faces))
        head = domain.head if domain else None
        x_tt = run.redraw(x_map, z_ids, code, person, shaping.ovals(guides), head)
        x_tt = wishes.with_own_colours(run, x_tt, own)
        _check_finite(x_tt, domain)
        shown = (to_pixels(x) for x in (x_rt, x_warp, x_map, x_tt))
        stages = zip(to_pixels(gray).repeat(3, -1), *shown, strict=True)
        besides = (
            shaping.shaped_zones(run, faces, guides), wishes.persons(run, guides, wanted)
        )  # fmt: skip
        rows = zip(faces, stages, *besides, strict=True)
        return [Steps(f.crop, *row, zones=zones, person=before) for f, row, zones, before in rows]

    def person_mask(self, photo: Photo) -> np.ndarray:
        """The persons of a whole photo, float32 (h, w) 0..1, its longer side 256 px."""
        return self.geometry.persons.mask_of_photo(photo.rgb)

    def recoloured(
        self, pictures: np.ndarray, references: Sequence[Reference], wanted: Sequence[Wish]
    ) -> tuple[Planes, Planes]:
        """X_Sg (B, 1, S, S) and X_RT (B, 3, S, S), -1..1 both, of uint8 (B, S, S, 3)."""
        return self.runtime.recolour(
            pictures,
            wishes.lifts(wanted, pictures.shape[1]),
            np.stack([r.palette for r in references]),
            stacked([one.zones for one in wanted]),
            stacked([shares_of(r) for r in references]),
        )

    def _code(self, domain: Domain | None, count: int) -> Planes:
        """The one-hot code of a domain for each face; zeros for one that TT-Net does not know."""
        known = np.array(self.runtime.domains) == (domain.name if domain else None)
        return np.repeat(known.astype(np.float32)[None], count, 0)


def likeness(reference: Reference, others: Sequence[Reference]) -> float:
    """How much a reference is like the nearest three of others, about -1..1.

    The mean cosine of the nearest z_ids, less the mean distance of the nearest palettes.
    """
    count = min(NEIGHBOURS, len(others))
    cosines = np.sort([float(o.z_id @ reference.z_id) for o in others])[-count:]
    distances = np.sort([palette_distance(reference.palette, o.palette) for o in others])[:count]
    return float(cosines.mean() - PALETTE_WEIGHT * distances.mean())


def own_likeness(references: Sequence[Reference]) -> float:
    """Mean likeness of a domain's references to each other, at least 0.05; 1 for a single one."""
    if len(references) == 1:
        return 1.0
    found = [likeness(r, [o for o in references if o is not r]) for r in references]
    return max(float(np.mean(found)), 0.05)


def _check_finite(x_tt: Planes, domain: Domain | None) -> None:
    if not np.isfinite(x_tt).all():
        whose = f"head of domain '{domain.name}'" if domain and domain.head else "base network"
        raise WeightsError(f"The {whose} gives values that are no numbers; it is damaged.")


def _check_z_id(reference: Reference) -> None:
    if reference.z_id_model != Z_ID_MODEL:
        raise UsageError(
            f"The reference {reference.name} has a z_id of {reference.z_id_model}; these "
            f"networks need one of {Z_ID_MODEL}."
        )
