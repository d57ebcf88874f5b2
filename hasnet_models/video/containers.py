"""Containers in: whatever FFmpeg decodes, frame by frame, upright, with exact times."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from hasnet_models.opencv import cv2
from hasnet_models.video import colour
from hasnet_models.video.clip import CONTAINER, ClipError, ClipInfo, Frame, check_size
from hasnet_models.video.pyav import av

_STILLS = ("image2", "_pipe")  # in FFmpeg's names of what reads single pictures
_USUAL_RATE = Fraction(25)
_MISSING = 1.0  # seconds, beyond a share, by which a clip may end before its header says
_SHARE = 0.02
_TURNS = 4
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d*)?)")


@dataclass
class ContainerClip:
    """A container that is open; see `clip.Clip`."""

    info: ClipInfo
    container: av.container.InputContainer
    damage: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> ContainerClip:
        """Open a file, and judge it by its header and its first frame.

        Raises:
            ClipError, ImageError: it is no clip, has no picture, is coded in what cannot be
                decoded here, is HDR, or claims to be too large.
        """
        container = _opened(path)
        try:
            return cls(_info(path, container), container)
        except BaseException:
            container.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """See `clip.Clip.frames`."""
        info, stream = self.info, _picture(self.container, self.info.path)
        start = stream.start_time or 0
        self.container.seek(start if after is None else after, stream=stream, backward=True)
        last, step = after, max(1, round(1 / (info.rate * info.time_base)))
        for frame in _decoded(self.container, stream, self.damage, info.name):
            time = frame.pts if frame.pts is not None else (start if last is None else last + step)
            if last is not None and time <= last:
                continue
            last = time
            yield Frame(self._pixels(frame), time, frame.duration or 0)
        if last is None:
            raise ClipError(f"{info.name} has no frame that can be read.")
        self._note_end(float((last + step - start) * info.time_base))

    def _pixels(self, frame: av.VideoFrame) -> np.ndarray:
        rgb = _upright(colour.to_rgb(frame, self.info.colours), frame.rotation)
        size = (self.info.width, self.info.height)
        if rgb.shape[1::-1] == size:
            return rgb
        note = f"{self.info.name} changes its size: all frames are as large as the first."
        self.damage.extend([note] if note not in self.damage else [])
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)

    def _note_end(self, seconds: float) -> None:
        """Say so where the clip ends long before its header says."""
        whole = self.info.seconds
        if seconds < whole - _MISSING - _SHARE * whole:
            self.damage.append(
                f"{self.info.name} is cut off: {seconds:.1f} of {whole:.1f} seconds can be read."
            )


def _opened(path: Path) -> av.container.InputContainer:
    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ClipError(f"{path.name} cannot be read as a clip: {reason(error)}.") from error


def reason(error: BaseException) -> str:
    """What an error of FFmpeg says, in one line without its number and full stop."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].rstrip(".")


def _picture(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream of moving pictures; a cover of an album is none."""
    cover = av.stream.Disposition.attached_pic
    moving = [one for one in container.streams.video if not one.disposition & cover]
    if not moving:
        raise ClipError(f"{path.name} holds no moving picture.")
    return moving[0]


def _info(path: Path, container: av.container.InputContainer) -> ClipInfo:
    if any(still in container.format.name for still in _STILLS):
        raise ClipError(
            f"{path.name} is a still picture, not a clip.", "`hasnet avatar` makes its avatar."
        )
    stream = _picture(container, path)
    context = stream.codec_context
    if context is None:
        raise ClipError(f"{path.name} is coded in what this build of FFmpeg cannot decode.")
    check_size(path.name, context.width, context.height)
    context.thread_type = "AUTO"
    frame = next(_decoded(container, stream, [], path.name), None)
    if frame is None:
        raise ClipError(f"{path.name} has no frame that can be read.")
    check_size(path.name, frame.width, frame.height)
    width, height = frame.width, frame.height
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if _quarter_turns(frame.rotation) % 2:
        width, height, aspect = height, width, 1 / aspect
    rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
    seconds, colours = _seconds(container, stream), colour.colours_of(frame, path.name)
    return ClipInfo(
        path, CONTAINER, width, height, stream.time_base, rate,
        stream.frames or round(seconds * rate), seconds, colours, aspect,
    )  # fmt: skip


def _seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """How long the pictures are said to be shown; 0 where nobody says."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    # Matroska has tags; the container itself lasts as long as its longest sound or subtitle
    if match := _CLOCK.fullmatch(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = map(float, match.groups())
        return 3600 * hours + 60 * minutes + seconds
    return (container.duration or 0) / av.time_base


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream, damage: list[str], name: str
) -> Iterator[av.VideoFrame]:
    """The frames that can be decoded; what cannot is passed over and said once."""
    note = f"{name} is damaged: what cannot be decoded is passed over."
    packets = container.demux(stream)
    while True:
        frames: list[av.VideoFrame] = []
        try:
            frames = next(packets).decode()
        except StopIteration:
            return
        except av.EOFError:
            return
        except av.InvalidDataError:
            damage.extend([note] if note not in damage else [])
        except av.FFmpegError as error:
            raise ClipError(f"{name} cannot be read: {reason(error)}.") from error
        yield from frames


def _quarter_turns(rotation: int) -> int:
    """Counterclockwise."""
    return round(rotation / 90) % _TURNS


def _upright(rgb: np.ndarray, rotation: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(rgb, _quarter_turns(rotation)))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """A container for what is copied out of it packet by packet.

    Raises:
        ClipError: it cannot be read.
    """
    container = _opened(path)
    try:
        yield container
    finally:
        container.close()
