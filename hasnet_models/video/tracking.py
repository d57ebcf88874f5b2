"""Faces through a clip: who is who from frame to frame, through turns, occlusion and cuts.

Within a shot a face is followed by the overlap of its boxes. One that the detector loses is moved
on with the pixels around it (Lucas and Kanade 1981) while its avatar fades; where a face appears,
or after a cut, the z_id tells whether it is known. The frame that a face is cut out of, which five
landmarks decide together, passes a One-Euro filter: the rim of the avatar lies on ground that does
not move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.align import warp
from hasnet_models.face.choice import ALL, BOX, LIKE, NUMBER, FaceChoice
from hasnet_models.face.types import Face
from hasnet_models.frame import CROP_SIZE, fit_similarity, invert, similarity, transform
from hasnet_models.opencv import cv2
from hasnet_models.video.cuts import CutDetector
from hasnet_models.video.one_euro import OneEuro

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

SAME = 0.35  # cosine of two z_ids from which they are one person's
OTHER = 0.1  # below which a face in a person's place is another's
_OVERLAP = 0.3  # of boxes, intersection over union
_CHECK = 1.0  # seconds after which a followed face is looked at again
_HOLD, _FADE_OUT, _FADE_IN = 0.2, 0.4, 0.25  # seconds
_WIDTH = 320  # px of the small picture in which lost faces are followed
_GRID = 6  # points along a side of a lost face
_LEAST, _SLOPE = 0.3, 5.0  # One-Euro: Hz, and Hz for each face a second
_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * CROP_SIZE - 0.5


@dataclass
class Track:
    """One person, as far as known.

    Attributes:
        number: from 0, in the order of appearance.
        box: float32 (4,), x1 y1 x2 y2, px.
        landmarks: float32 (5, 2), px, as the detector gave them.
        corners: of the frame, (4, 2), px, filtered.
        z_id: of the face as it first came, then as it was last looked at.
        score: the detector's.
        weight: how much of the avatar is shown, 0..1.
        lost: seconds since the face was found, 0 where it is.
        looked: when its z_id was last taken, seconds.
        frames: in which it was found.
        wanted: whether the user chose it.
        asleep: not in the picture.
        fresh: has just come into it.
        cut_in: came into it by a cut or with the first frame.
    """

    number: int
    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    z_id: NDArray[np.float32]
    looked: float
    corners: OneEuro = field(default_factory=lambda: OneEuro(_LEAST, _SLOPE))
    score: float = 0.0
    weight: float = 0.0
    lost: float = 0.0
    frames: int = 0
    wanted: bool = False
    asleep: bool = False
    fresh: bool = True
    cut_in: bool = False

    @property
    def face(self) -> Face:
        """As a detector would give it."""
        return Face(self.box, self.landmarks, self.score)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Photo to crop."""
        assert self.corners.value is not None
        return fit_similarity(self.corners.value, _CORNERS)

    @property
    def is_shown(self) -> bool:
        """Whether anything of its avatar is to be seen."""
        return self.wanted and not self.asleep and self.weight > 0

    def found(self, face: Face, time: float, span: float, *, anew: bool, at_once: bool) -> None:
        """The face is here, `span` seconds after the last frame.

        Args:
            anew: it was not in the last frame.
            at_once: it is shown whole from its first frame on.
        """
        if anew:
            self.corners.reset()
        unit = max(float(face.box[2] - face.box[0]), 1.0)
        self.corners.step(transform(_CORNERS, invert(similarity(face.landmarks))), time, unit)
        self.box, self.landmarks, self.score = face.box, face.landmarks, face.score
        self.lost, self.asleep = 0.0, False
        self.fresh, self.frames = anew, self.frames + 1
        if anew:
            self.cut_in = at_once
        self.weight = 1.0 if anew and at_once else min(1.0, self.weight + span / _FADE_IN)

    def missed(self, shift: NDArray[np.float32], span: float) -> None:
        """The face was not found; it moved by `shift` px."""
        assert self.corners.value is not None
        self.lost, self.fresh = self.lost + span, False
        self.box, self.landmarks = self.box + np.tile(shift, 2), self.landmarks + shift
        self.corners.value = self.corners.value + shift
        self.weight = min(self.weight, max(0.0, 1 - max(0.0, self.lost - _HOLD) / _FADE_OUT))
        self.asleep = self.weight <= 0

    def sleep(self) -> None:
        """It is out of the picture."""
        self.asleep, self.weight = True, 0.0


@dataclass
class Tracker:
    """Follows the faces of one clip.

    Attributes:
        embed: z_id of an aligned crop.
        choice: which faces are wanted; it is decided where they first come.
        like: z_id of kind "like:".
        cuts: tells shots apart.
        tracks: all persons so far.
        time: of the last frame in seconds.
        small: the last frame, small and gray, in which lost faces are followed.
    """

    embed: Embed
    choice: FaceChoice = field(default_factory=FaceChoice)
    like: NDArray[np.float32] | None = None
    cuts: CutDetector = field(default_factory=CutDetector)
    tracks: list[Track] = field(default_factory=list)
    time: float = 0.0
    small: NDArray[np.uint8] | None = None

    def step(self, rgb: NDArray[np.uint8], faces: Sequence[Face], time: float) -> list[Track]:
        """Who is in a frame (H, W, 3), at `time` seconds, where a detector found `faces`."""
        span = max(0.0, time - self.time)
        is_cut = self.cuts.step(rgb)
        if is_cut:
            for track in self.tracks:
                track.sleep()
        small = _small_gray(rgb)
        pairs, strangers = self._paired(rgb, faces, time)
        for track, face in pairs:
            track.found(face, time, span, anew=False, at_once=False)
        missed = [one for one in self._awake() if one.number not in {t.number for t, _ in pairs}]
        for track in missed:
            track.missed(self._shift(track, small, rgb.shape[1]), span)
        for face in strangers:
            self._welcome(rgb, face, time, span, at_once=is_cut)
        self.time, self.small = time, small
        self._choose()
        return self._awake()

    def _awake(self) -> list[Track]:
        return [track for track in self.tracks if not track.asleep]

    def _paired(
        self, rgb: NDArray[np.uint8], faces: Sequence[Face], time: float
    ) -> tuple[list[tuple[Track, Face]], list[Face]]:
        """Tracks with the faces in their places, the best overlap first; and the other faces."""
        rated = [
            (overlap(track.box, face.box), t, f)
            for t, track in enumerate(self._awake())
            for f, face in enumerate(faces)
        ]
        tracks, pairs, rest = self._awake(), {}, dict(enumerate(faces))
        for share, t, f in sorted(rated, reverse=True):
            if share >= _OVERLAP and t not in pairs and f in rest:
                if self._is_another(tracks[t], rgb, faces[f], time):
                    continue
                pairs[t] = rest.pop(f)
        return [(tracks[t], face) for t, face in pairs.items()], list(rest.values())

    def _is_another(
        self, track: Track, rgb: NDArray[np.uint8], face: Face, time: float
    ) -> bool:
        """Whether another person took a track's place, as in a blend of two shots."""
        if time - track.looked < _CHECK:
            return False
        z_id = self._z_id(rgb, face)
        if float(z_id @ track.z_id) < OTHER:
            track.sleep()
            return True
        track.looked = time
        return False

    def _welcome(
        self, rgb: NDArray[np.uint8], face: Face, time: float, span: float, *, at_once: bool
    ) -> None:
        """A face that was not in the last frame: someone known, or someone new."""
        z_id = self._z_id(rgb, face)
        away = [track for track in self.tracks if track.asleep or track.lost]
        track = max(away, key=lambda one: float(one.z_id @ z_id), default=None)
        if track is None or float(track.z_id @ z_id) < SAME:
            track = Track(len(self.tracks), face.box, face.landmarks, z_id, time)
            track.wanted = self.choice.kind == ALL
            self.tracks.append(track)
        track.looked = time
        track.found(face, time, span, anew=True, at_once=at_once)

    def _z_id(self, rgb: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        return self.embed(warp(rgb, similarity(face.landmarks)))

    def _shift(
        self, track: Track, small: NDArray[np.uint8], width: int
    ) -> NDArray[np.float32]:
        """How the pixels of a lost face moved since the last frame, px (2,)."""
        if self.small is None or self.small.shape != small.shape:
            return np.zeros(2, np.float32)
        scale = small.shape[1] / width
        return _moved(self.small, small, track.box * scale) / np.float32(scale)

    def _choose(self) -> None:
        """Decide whom the user wants, where that is open yet."""
        if self.choice.kind == ALL or any(track.wanted for track in self.tracks):
            return
        here = [track for track in self._awake() if not track.lost]
        if chosen := self._chosen(here):
            chosen.wanted = True

    def _chosen(self, here: list[Track]) -> Track | None:
        kind = self.choice.kind
        if kind == NUMBER:
            in_order = sorted(here, key=lambda one: float(one.box[0] + one.box[2]))
            return in_order[self.choice.number - 1] if len(here) >= self.choice.number else None
        if kind == LIKE and self.like is not None:
            here = [track for track in here if float(track.z_id @ self.like) >= SAME]
            return max(here, key=lambda one: float(one.z_id @ self.like), default=None)
        if kind == BOX and self.choice.box:
            here = [track for track in here if _is_within(track.box, self.choice.box)]
        return max(here, key=lambda one: one.face.area, default=None)


def overlap(a: NDArray, b: NDArray) -> float:
    """Intersection over union of two boxes x1 y1 x2 y2."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    common = float(np.prod(np.clip(high - low, 0, None)))
    whole = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - common
    return common / whole if whole > 0 else 0.0


def _is_within(box: NDArray, wanted: tuple[float, float, float, float]) -> bool:
    left, top, width, height = wanted
    x, y = (box[:2] + box[2:]) / 2
    return bool(left <= x <= left + width and top <= y <= top + height)


def _small_gray(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if width <= _WIDTH:
        return gray
    size = (_WIDTH, max(1, round(height * _WIDTH / width)))
    return cv2.resize(gray, size, interpolation=cv2.INTER_AREA)


def _moved(
    before: NDArray[np.uint8], now: NDArray[np.uint8], box: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The median movement (2,) of points in a box, 0 where none can be followed."""
    steps = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    points = (box[:2] + grid * (box[2:] - box[:2])).astype(np.float32)
    inside = ((points >= 0) & (points < np.array(before.shape[::-1]))).all(1)
    if not inside.any():
        return np.zeros(2, np.float32)
    points = points[inside, None]
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, now, points, None)
    good = status.ravel() == 1
    if not good.any():
        return np.zeros(2, np.float32)
    return np.median((moved - points)[good, 0], axis=0).astype(np.float32)
