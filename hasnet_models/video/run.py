"""One clip at work: frames are read ahead of the networks and written behind them, piece by piece.

    decode, find faces ──> follow, pose ──> the networks ──> medium, paste ──> encode
        one thread           one thread     this thread       one thread     one thread

Memory is bounded by what is on its way, whatever the length of the clip. However a run ends, what
was finished can be played; a run that was killed goes on after its last finished piece.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from hasnet_models.avatar.fingerprint import fingerprint_of
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import RANDOM, Request
from hasnet_models.controls.background_choice import TRANSPARENT
from hasnet_models.errors import HasnetError, NoFaceError, UsageError
from hasnet_models.face.choice import ALIGNED, ALL
from hasnet_models.face.types import Face
from hasnet_models.frame import (
    CROP_SIZE,
    FFHQ_BOX_512,
    FFHQ_TEMPLATE_512,
    invert,
    square_similarity,
    transform,
)
from hasnet_models.locking import held
from hasnet_models.plugins.reference import Reference
from hasnet_models.video import state, writing
from hasnet_models.video.clip import ANIMATION, CONTAINER, Clip, ClipError, Frame
from hasnet_models.video.containers import reason
from hasnet_models.video.drawing import Drawer, Posed
from hasnet_models.video.encoding import Coding, Encoder
from hasnet_models.video.pyav import av
from hasnet_models.video.segments import SECONDS, Segments
from hasnet_models.video.target import Target
from hasnet_models.video.tracking import Tracker

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_AHEAD, _POSED, _BEHIND = 4, 2, 4  # frames read, posed, and on their way after the networks
_GROUP = 8  # frames that are drawn together at most, however few faces they have
_MOST_PIXELS = 2**29  # of all frames of an animation, which is held in memory to be written

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How a clip is drawn, beside the request.

    Attributes:
        boil: how often a second the medium's noise is drawn anew; 0 for never.
        quality: 1..100, of the file.
        batch: faces in one call of the networks.
    """

    boil: float = 0.0
    quality: int = 95
    batch: int = 1


class Threads(NamedTuple):
    """One for each step beside the networks."""

    decode: ThreadPoolExecutor
    pose: ThreadPoolExecutor
    finish: ThreadPoolExecutor
    encode: ThreadPoolExecutor


class Stopped(HasnetError):
    """Nothing more can be written."""


def check(request: Request, target: Target, source: Path) -> None:
    """Judge before anything is loaded what a clip cannot be.

    Raises:
        UsageError: several avatars in one clip, transparency in a container, the source itself as
            output, or a folder that is not there.
    """
    if request.face.kind == ALL and not request.paste:
        raise UsageError(
            "Several avatars do not go into one clip; give paste=True.", parameters=("paste",)
        )
    if request.look.background.kind == TRANSPARENT and target.kind == CONTAINER:
        raise UsageError(
            f"{target.path.name} cannot be transparent.", "Use .webp, .apng, .gif or a folder."
        )
    if target.path.exists():
        for given in (source, *map(Path, request.files)):
            if given.exists() and given.samefile(target.path):
                raise UsageError(f"{target.path} is an input; it is never written over.")
    if not target.path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {target.path.parent} to write into.")


def with_earlier_seed(request: Request, target: Target) -> Request:
    """A clip that goes on keeps the seed that chance gave it."""
    if request.reference != RANDOM or request.seed is not None:
        return request
    kept = Segments.beside(target.path, target.piece_suffix).kept()
    return request if kept is None else replace(request, seed=kept.facts.get("seed"))


@dataclass
class Run:
    """One clip.

    Attributes:
        digest: sha256 of the source.
        say: takes notes for the user.
        advance: is told how many frames are done.
        frames: how many are done, those of earlier runs included.
        earlier: how many of them an earlier run did.
    """

    job: Job
    clip: Clip
    target: Target
    digest: str
    options: Options = field(default_factory=Options)
    say: Say = lambda note: None
    advance: Callable[[int], None] = lambda count: None
    frames: int = 0
    earlier: int = 0

    def __post_init__(self) -> None:
        request, info = self.job.request, self.clip.info
        self._drawer = Drawer(
            self.job,
            Tracker(self.job.pipeline.embed, request.face, self.job.like),
            info.name,
            self.digest,
            self.options.boil,
        )
        side = request.size or CROP_SIZE
        size = (info.width, info.height) if request.paste else (side, side)
        self._check_animation(size)
        self._coding = Coding.of(self.target, info, size, self.options.quality)
        self._segments = Segments.beside(self.target.path, self.target.piece_suffix)
        self._pieces = 0
        self._encoder: Encoder | None = None
        self._begun = 0.0  # seconds, when the piece begins
        self._in_piece = 0  # frames
        self._last: Frame | None = None
        self._until: int | None = None  # the time of the last frame that is done
        self._record: dict[str, str] = {}
        self._writing: deque[Future[None]] = deque()

    def _check_animation(self, size: tuple[int, int]) -> None:
        if self.target.kind != ANIMATION:
            return
        if self.clip.info.frames * size[0] * size[1] > _MOST_PIXELS:
            raise UsageError(
                f"{self.clip.info.name} is too long for {self.target.path.suffix}, which is held "
                "in memory.",
                "Use .mp4, .webm or a folder.",
            )

    def work(self) -> None:
        """Draw the clip, and put it together.

        Raises:
            NoFaceError: it has no face that is wanted.
            Stopped: the disk is full; what was finished can be played.
            HasnetError: of the kind that fits.
        """
        folder = self._segments.folder
        with contextlib.ExitStack() as stack:
            try:  # one run at a time on an output
                stack.enter_context(held(folder.with_name(folder.name + ".lock"), self.say))
                after = self._resumed()
            except OSError as error:
                raise self._stopped(error) from error
            self._work(after)

    def _work(self, after: int | None) -> None:
        self._until = after
        try:
            self._draw(after)
        except BaseException as error:
            self._save_what_is_done()
            if is_full(error):
                raise self._stopped(error) from error
            raise
        if not self._record:
            self._segments.clear()
            raise NoFaceError(f"No face found in {self.clip.info.name}.")
        try:
            self._put_together(whole=True)
        except (OSError, av.FFmpegError) as error:
            raise self._stopped(error) from error
        self._segments.clear()

    # ---------------------------------------------------------------------------- an earlier run

    def _resumed(self) -> int | None:
        """The time after which the work goes on; None for the beginning."""
        kept = self._segments.kept()
        if kept is None or kept.facts.get("fingerprint") != self.fingerprint or not kept.pieces:
            self._segments.begin()
            return None
        facts = kept.facts
        state.restore(self._drawer, kept.arrays, facts["references"], self._reference_named)
        self._pieces, self.frames = kept.pieces, facts["frames"]
        self.earlier, self._record = self.frames, facts["record"]
        self.say(f"Going on after {self.frames} frames that an earlier run did.")
        self.advance(self.frames)
        return int(facts["last"])

    @property
    def fingerprint(self) -> str:
        """Of all that the pieces depend on."""
        own, coding = fingerprint_of(self.job), self._coding
        parts = [
            self.digest, own.parameters, own.weights, str(self.options.boil), repr(coding.options),
            self._segments.suffix, coding.width, coding.height, str(coding.time_base), state.LAYOUT,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _reference_named(self, name: str) -> Reference:
        if self.job.fixed is not None or self.job.domain is None:
            assert self.job.fixed is not None
            return self.job.materials.dressed(self.job.fixed)
        return self.job.materials.dressed(self.job.domain.reference(name))

    # --------------------------------------------------------------------------------- the work

    def _draw(self, after: int | None) -> None:
        names = ("decode", "pose", "finish", "encode")
        with contextlib.ExitStack() as stack:
            threads = Threads(*(stack.enter_context(ThreadPoolExecutor(1, one)) for one in names))
            try:
                self._draw_frames(threads, after)
            finally:
                for pool in threads:
                    pool.shutdown(cancel_futures=True)

    def _draw_frames(self, threads: Threads, after: int | None) -> None:
        """Frame after frame; none is posed before the piece that it belongs to is begun, so that
        what is known at the end of a piece is of no later frame.
        """
        posing: deque[Future[Posed]] = deque()
        group: list[Posed] = []

        def draw(waiting: int) -> None:
            """All that is posed but the last few."""
            while len(posing) > waiting:
                group.append(posing.popleft().result())
                faces = sum(len(one.cut.faces) for one in group)
                if faces >= self.options.batch or len(group) >= _GROUP:
                    self._draw_group(group, threads)

        def draw_all() -> None:
            draw(0)
            self._draw_group(group, threads)

        for frame, faces in self._ahead(threads.decode, after):
            seconds = float(frame.time * self.clip.info.time_base)
            if self._encoder and seconds - self._begun >= SECONDS:
                draw_all()
                self._end_piece()
            if self._encoder is None:
                self._begin_piece(seconds)
            posing.append(threads.pose.submit(self._drawer.pose, frame, faces, seconds))
            draw(_POSED)
        draw_all()
        if self._encoder:
            self._end_piece()

    def _draw_group(self, group: list[Posed], threads: Threads) -> None:
        """Frames in a row, through the networks and on their way to the file; empties the list."""
        drawn = self._drawer.render(group, self.options.batch)
        for posed, renderings in zip(group, drawn, strict=True):
            finished = threads.finish.submit(self._drawer.finish, posed, renderings)
            self._writing.append(threads.encode.submit(self._write, finished))
            self._collect(_BEHIND)
        group.clear()

    def _ahead(
        self, pool: ThreadPoolExecutor, after: int | None
    ) -> Iterator[tuple[Frame, list[Face]]]:
        """Frames with their faces, some of them read while others are drawn."""
        frames = self.clip.frames(after)

        def following() -> tuple[Frame, list[Face]] | None:
            try:
                frame = next(frames, None)
            except ClipError as error:
                if self._last is None and not self.frames:
                    raise
                self.clip.damage.append(str(error))
                return None
            return None if frame is None else (frame, self._faces(frame))

        waiting = deque(pool.submit(following) for _ in range(_AHEAD))
        while (found := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(following))
            yield found

    def _faces(self, frame: Frame) -> list[Face]:
        if self.job.request.face.kind == ALIGNED:
            return [_whole_frame(frame)]
        return self.job.pipeline.detect(frame.rgb)

    def _write(self, drawn: Future[tuple[Frame, dict[str, str]]]) -> None:
        frame, record = drawn.result()
        assert self._encoder is not None
        self._encoder.write(frame)
        self._record = self._record or self._with_clip(record)
        self._last, self._until, self.frames = frame, frame.time, self.frames + 1
        self._in_piece += 1

    def _with_clip(self, record: dict[str, str]) -> dict[str, str]:
        """The record of an avatar as that of its clip."""
        if not record:
            return {}
        clip = {"boil": self.options.boil, "quality": self.options.quality}
        record = {key: value for key, value in record.items() if key != "matrix"}
        return record | {"clip": json.dumps(clip, sort_keys=True)}

    def _collect(self, limit: int) -> None:
        """Wait until no more than `limit` frames are on their way to the file."""
        while len(self._writing) > limit:
            self._writing.popleft().result()
            self.advance(1)

    # -------------------------------------------------------------------------------- the pieces

    def _begin_piece(self, seconds: float) -> None:
        file = self._segments.file(self._pieces)
        file.unlink(missing_ok=True)  # one that an interrupted run had begun
        self._encoder, self._begun, self._in_piece = Encoder(file, self._coding), seconds, 0

    def _end_piece(self) -> None:
        """Close the piece, then say that it is finished."""
        self._collect(0)
        assert self._encoder is not None and self._last is not None
        encoder, self._encoder = self._encoder, None
        encoder.close()
        self._drawer.let_rest()
        arrays, names = state.arrays_of(self._drawer)
        facts = {
            "fingerprint": self.fingerprint, "frames": self.frames, "last": self._until,
            "seed": self.job.seed, "references": names, "record": self._record,
        }  # fmt: skip
        self._segments.keep(self._pieces + 1, facts, arrays)
        self._pieces += 1

    def _save_what_is_done(self) -> None:
        """After an interruption: all that was written so far goes into the output, if it can."""
        self._writing.clear()
        with contextlib.suppress(Exception):
            if self._encoder is not None:
                self._encoder.close()
                self._pieces += bool(self._in_piece)
        if not self._pieces:
            return
        with contextlib.suppress(OSError, av.FFmpegError, HasnetError):
            self._put_together(whole=False)
            self.say(f"What was finished is in {self.target.path}.")
            return
        self.say(f"What was finished can be played: {self._segments.folder}.")

    def _put_together(self, *, whole: bool) -> None:
        """Copy the pieces into the output; sound is cut where not the `whole` source is drawn."""
        pieces = [self._segments.file(number) for number in range(self._pieces)]
        until = None
        if self._until is not None and (self.clip.damage or not whole):
            until = float(self._until * self.clip.info.time_base)
        writing.put_together(
            self.target,
            self.clip.info,
            writing.Whole(
                pieces,
                self._record | self._references(),
                self._last.duration if self._last else 0,
                until,
                self.options.quality,
            ),
            self.say,
        )

    def _references(self) -> dict[str, str]:
        """Of all persons, where each has its own."""
        sitters = self._drawer.sitters.values()
        names = [one.reference.name for one in sitters if one.reference is not None]
        if self.job.fixed is not None or len(names) < 2:
            return {}
        return {"references": json.dumps(names, ensure_ascii=False)}

    def _stopped(self, error: BaseException) -> Stopped:
        text = f"{self.target.path} cannot be written: {reason(error)}."
        return Stopped(text, "What is done is kept; the same command goes on from there.")


def is_full(error: BaseException) -> bool:
    """Whether nothing more can be written to a disk."""
    return getattr(error, "errno", None) in _FULL


def _whole_frame(frame: Frame) -> Face:
    """The face of a frame that is an aligned crop already."""
    back = invert(square_similarity(*frame.rgb.shape[:2]))
    box = transform(FFHQ_BOX_512.reshape(2, 2), back).ravel()
    marks = transform(FFHQ_TEMPLATE_512, back)
    return Face(box.astype("float32"), marks.astype("float32"), 1.0)

