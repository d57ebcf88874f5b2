"""Avatars of frames: what is fixed for a person in the whole clip, and what is calmed.

Reference (palette, shape, z_id) and the seed of the medium are fixed where a person first comes;
mesh and person mask pass a One-Euro filter in the frame of the face.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hasnet_models.avatar.job import Job, PhotoFaces, Rendering
from hasnet_models.avatar.reading import is_sure
from hasnet_models.face.align import resized, warp
from hasnet_models.face.paste import paste_masks
from hasnet_models.face.types import AlignedFace, FaceMesh
from hasnet_models.frame import CROP_SIZE, square_similarity
from hasnet_models.image_io import Photo
from hasnet_models.plugins.reference import Reference
from hasnet_models.restoring.restorer import all_restored
from hasnet_models.topology.by_colour import seen_zones
from hasnet_models.video.clip import Frame
from hasnet_models.video.one_euro import OneEuro
from hasnet_models.video.steadying import Steadier
from hasnet_models.video.tracking import Track, Tracker

_PATIENCE = 5  # frames that a face which comes into a shot may be unsure before it is drawn
_MESH = (1.5, 6.0)  # One-Euro in the frame of the face: Hz, and Hz for each frame's side a second
_PERSON = (3.0, 1.0)


@dataclass
class Sitter:
    """A person who is drawn.

    Attributes:
        reference: None until a frame is sure enough to choose by.
        mesh: filters its points (468, 3).
        person: filters its mask (S, S).
        zones: filters its zones (6, 32, 32), which go by colours.
        steadier: calms its avatar.
        seed: of the medium, when it was drawn last; None before.
    """

    reference: Reference | None = None
    mesh: OneEuro = field(default_factory=lambda: OneEuro(*_MESH))
    person: OneEuro = field(default_factory=lambda: OneEuro(*_PERSON))
    zones: OneEuro = field(default_factory=lambda: OneEuro(*_PERSON))
    steadier: Steadier = field(default_factory=Steadier)
    seed: int | None = None

    def reset(self) -> None:
        """Forget the geometry."""
        self.mesh.reset()
        self.person.reset()
        self.zones.reset()

    def calmed(self, face: AlignedFace, time: float) -> AlignedFace:
        """The face with filtered geometry; what is not known in this frame is as it was."""
        if face.mesh is not None:
            self.mesh.step(face.mesh.points, time)
        if face.person is not None:
            self.person.step(face.person, time)
        points, person = self.mesh.value, self.person.value
        score = 1.0 if face.mesh is None else face.mesh.score
        mesh = None if points is None else FaceMesh(points, score)
        self.zones.step(seen_zones(face.crop, points, person), time)
        zones = self.zones.value / self.zones.value.sum(0)
        return replace(face, mesh=mesh, person=person, zones=zones)


@dataclass(frozen=True, eq=False)
class Posed:
    """A frame with its faces, ready for the networks.

    Attributes:
        cut: its photo, and the faces that are drawn.
        tracks: number of each face's person.
        weights: how much of each avatar is shown, 0..1.
        fresh: whether each has just come into the picture.
        seconds: when it is shown.
        resting: where the last face was, photo to crop; for frames without one.
    """

    frame: Frame
    cut: PhotoFaces
    tracks: tuple[int, ...]
    weights: tuple[float, ...]
    fresh: tuple[bool, ...]
    seconds: float
    resting: NDArray[np.float64]


@dataclass
class Drawer:
    """Makes the frames of one clip, in their order.

    Attributes:
        job: what is asked for.
        tracker: follows the faces.
        name, digest: of the clip's file.
        boil: how often a second the medium is drawn anew; 0 for never.
        sitters: by the number of the track.
        resting: where the last face was, photo to crop; None before the first.
    """

    job: Job
    tracker: Tracker
    name: str
    digest: str
    boil: float = 0.0
    sitters: dict[int, Sitter] = field(default_factory=dict)
    resting: NDArray[np.float64] | None = None

    def pose(self, frame: Frame, faces: Sequence, seconds: float) -> Posed:
        """Follow the faces into the next frame, `seconds` from the start of the clip."""
        tracks = self.tracker.step(frame.rgb, faces, seconds)
        shown = [(t, self._seated(t, frame.rgb, seconds)) for t in tracks if t.is_shown]
        drawn = [(track, *pair) for track, pair in shown if pair is not None]
        photo = Photo(frame.rgb, frame.alpha, name=self.name)
        aligned = tuple(face for _, face, _ in drawn)
        references = tuple(reference for *_, reference in drawn)
        if aligned:
            self.resting = aligned[0].matrix
        return Posed(
            frame,
            PhotoFaces(photo, aligned, (), digest=self.digest, references=references),
            tuple(track.number for track, *_ in drawn),
            tuple(track.weight for track, *_ in drawn),
            tuple(track.fresh for track, *_ in drawn),
            seconds,
            square_similarity(*frame.rgb.shape[:2]) if self.resting is None else self.resting,
        )

    def render(self, group: Sequence[Posed], batch: int) -> list[list[Rendering]]:
        """The avatars of frames in a row, `batch` faces in one call of the networks."""
        drawn = [one for one in group if one.cut.faces]
        found = iter(self.job.render([one.cut for one in drawn], batch) if drawn else ())
        return [self._seeded(one, next(found)) if one.cut.faces else [] for one in group]

    def _seeded(self, posed: Posed, renderings: Sequence[Rendering]) -> list[Rendering]:
        return [
            replace(one, steps=replace(one.steps, seed=self._seed(number, posed.seconds)))
            for number, one in zip(posed.tracks, renderings, strict=True)
        ]

    def let_rest(self) -> None:
        """Forget what is of use only while a face is in the picture, so that memory does not grow
        with the persons of a film; no frame may be on its way.
        """
        for track in self.tracker.tracks:
            if track.asleep and track.number in self.sitters:
                sitter = self.sitters[track.number]
                sitter.reset()
                sitter.steadier.reset()

    def _seed(self, number: int, seconds: float) -> int:
        """Of the medium's noise, which travels with the face."""
        drawing = int(seconds * self.boil + 1e-6) if self.boil else 0
        return zlib.crc32(f"{number}:{drawing}".encode())

    def _seated(
        self, track: Track, rgb: np.ndarray, seconds: float
    ) -> tuple[AlignedFace, Reference] | None:
        """A face as it is drawn, and its reference; None where that is not chosen yet."""
        sitter = self.sitters.setdefault(track.number, Sitter())
        if track.fresh:
            sitter.reset()
        face = AlignedFace(warp(rgb, track.matrix), track.matrix, track.face)
        if not track.lost:
            face = self.job.pipeline.known(face, rgb)
        (face,), _ = all_restored(self.job.restorer, [face])
        sure = is_sure(face)
        face = sitter.calmed(face, seconds)
        if sitter.reference is None and (sure or track.cut_in or track.frames > _PATIENCE):
            sitter.reference = self.job.reference_for(face.crop, str(track.number))
        return None if sitter.reference is None else (face, sitter.reference)

    def finish(
        self, posed: Posed, renderings: Sequence[Rendering]
    ) -> tuple[Frame, dict[str, str]]:
        """The frame to write, and the record of its first avatar.

        May run on another thread than the rest, but frame after frame: avatars lean on those
        before.
        """

        def calmed(face: int, avatar: NDArray[np.uint8]) -> NDArray[np.uint8]:
            sitter, steps = self.sitters[posed.tracks[face]], renderings[face].steps
            if posed.fresh[face]:
                sitter.steadier.reset()
            anew, sitter.seed = steps.seed != sitter.seed, steps.seed
            return sitter.steadier.step(steps.source, avatar, anew=anew)

        portraits = self.job.finish(posed.cut, renderings, calmed) if renderings else []
        record = portraits[0].metadata if portraits else {}
        if self.job.request.paste:
            if not portraits:
                return posed.frame, {}
            rgb = _faded(posed, portraits[0].array)
            return replace(posed.frame, rgb=rgb, alpha=portraits[0].alpha), record
        side = self.job.request.size or CROP_SIZE
        rgb, alpha = resized(warp(posed.frame.rgb, posed.resting), side), None
        if portraits:
            (weight, *_), portrait = posed.weights, portraits[0]
            rgb = _between(rgb, resized(portrait.array, side), np.float32(weight))
            alpha = None if portrait.alpha is None else resized(portrait.alpha, side)
        return replace(posed.frame, rgb=rgb, alpha=alpha), record


def _faded(posed: Posed, pasted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole frame, with those avatars half seen whose faces come or go."""
    if min(posed.weights) >= 1:
        return pasted
    rgb = posed.frame.rgb
    planes = [np.full((CROP_SIZE, CROP_SIZE), round(255 * w), np.uint8) for w in posed.weights]
    shown = paste_masks(np.ones(rgb.shape[:2], np.float32), planes, posed.cut.faces)
    return _between(rgb, pasted, shown[..., None])


def _between(
    a: NDArray[np.uint8], b: NDArray[np.uint8], share: NDArray[np.float32] | np.float32
) -> NDArray[np.uint8]:
    """From a (share 0) to b (share 1)."""
    return (a + share * (b.astype(np.float32) - a) + 0.5).astype(np.uint8)
