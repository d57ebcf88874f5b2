"""Frames into one file: a piece of the clip that players show."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from hasnet_models.image_io.photo import off_white
from hasnet_models.video import colour
from hasnet_models.video.clip import ClipError, ClipInfo, Colours, Frame
from hasnet_models.video.pyav import av
from hasnet_models.video.target import H264, LOSSLESS, VP9, Target

_USUAL_QUALITY = 95


@dataclass(frozen=True)
class Coding:
    """How frames are coded.

    Attributes:
        target: container and codec.
        pixels: FFmpeg's pixel format.
        width, height: px.
        time_base, rate, colours, aspect: as in `ClipInfo`.
        options: the codec's.
    """

    target: Target
    pixels: str
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    colours: Colours
    aspect: Fraction
    options: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, target: Target, info: ClipInfo, size: tuple[int, int], quality: int) -> Coding:
        """For frames of `size` (width, height) of a clip; quality 1..100, 95 hardly shows."""
        odd = size[0] % 2 or size[1] % 2
        pixels = {H264: "yuv444p" if odd else "yuv420p", VP9: "yuv420p", LOSSLESS: "bgra"}
        return cls(
            target, pixels[target.codec], *size, info.time_base,
            info.rate.limit_denominator(1001), info.colours, info.aspect,
            tuple(_options(target.codec, quality).items()),
        )  # fmt: skip


def _options(codec: str, quality: int) -> dict[str, str]:
    """The codec's; without frames that lean on later ones, so that pieces can be joined."""
    if codec == H264:
        return {"crf": str(_crf(quality, 51, 18)), "preset": "medium", "bf": "0"}
    if codec == VP9:
        crf = str(_crf(quality, 63, 26))
        return {"crf": crf, "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
    return {}


def _crf(quality: int, worst: int, usual: int) -> int:
    """A constant rate factor: `usual` at quality 95, on a line to the worst at 0."""
    return max(0, round(worst - quality * (worst - usual) / _USUAL_QUALITY))


class Encoder:
    """Writes one piece; a file that was closed can be played.

    Raises:
        ClipError: this build of FFmpeg cannot write it.
    """

    def __init__(self, path: Path, coding: Coding) -> None:
        self._coding = coding
        self._container = av.open(str(path), "w", format=coding.target.format)
        try:
            self._stream = self._opened_stream()
        except (av.FFmpegError, ValueError) as error:
            self._container.close()
            raise ClipError(
                f"This build of FFmpeg cannot write {coding.target.codec}: {error}."
            ) from error

    def _opened_stream(self) -> av.VideoStream:
        coding = self._coding
        stream = self._container.add_stream(
            coding.target.codec, rate=coding.rate, options=dict(coding.options)
        )
        stream.width, stream.height, stream.pix_fmt = coding.width, coding.height, coding.pixels
        stream.time_base = stream.codec_context.time_base = coding.time_base
        if coding.target.codec != LOSSLESS:
            stream.codec_context.sample_aspect_ratio = coding.aspect
            colour.label(stream.codec_context, coding.colours)
        return stream

    def write(self, frame: Frame) -> None:
        """Add a frame.

        Raises:
            OSError, av.FFmpegError: it cannot be written.
        """
        coded = self._coded(frame)
        coded.pts, coded.time_base = frame.time, self._coding.time_base
        if frame.duration:
            coded.duration = frame.duration
        self._container.mux(self._stream.encode(coded))

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError, av.FFmpegError: it cannot be written.
        """
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def abandon(self) -> None:
        """Let go of a file that is not worth finishing."""
        self._container.close()

    def _coded(self, frame: Frame) -> av.VideoFrame:
        if self._coding.target.codec != LOSSLESS:
            return colour.from_rgb(frame.rgb, self._coding.colours, self._coding.pixels)
        opaque = np.full(frame.rgb.shape[:2], 255, np.uint8)
        alpha = opaque if frame.alpha is None else frame.alpha
        straight = frame.rgb if frame.alpha is None else off_white(frame.rgb, alpha)
        rgba = np.ascontiguousarray(np.dstack([straight, alpha]))
        return av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="bgra")
