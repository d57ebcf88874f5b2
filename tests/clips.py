"""Small clips for tests, and a pipeline that sees coloured squares as faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from fakes import FakePipeline, face_at

from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import box_similarity

SIDE = 48
GROUND = (40, 60, 80)
RED, BLUE = (220, 30, 30), (30, 30, 220)
Square = tuple[tuple[int, int, int], float, float]  # colour, left, top
Subtitle = tuple[str, int, int]  # text, start and span in milliseconds
_STYLES = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, BorderStyle, Alignment
Style: Default,Arial,16,&Hffffff,0,0,1,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def frame(*squares: Square, width: int = 160, height: int = 96, ground=GROUND) -> np.ndarray:
    """A picture (height, width, 3) with squares of 48 px."""
    rgb = np.full((height, width, 3), ground, np.uint8)
    rgb[::8, ::8] = 255  # something to follow
    for colour, left, top in squares:
        x, y = round(left), round(top)
        rgb[max(y, 0) : y + SIDE, max(x, 0) : x + SIDE] = colour
    return rgb


def moving(count: int, colour=RED, step: float = 1.0, start: float = 10) -> list[np.ndarray]:
    """A square that moves to the right."""
    return [frame((colour, start + step * i, 20)) for i in range(count)]


def write(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    rate: int = 10,
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    sound: bool = False,
    subtitles: Sequence[Subtitle] = (),
    prepare: Callable = lambda stream: None,
    options: dict[str, str] | None = None,
) -> Path:
    """A container of frames; `times` are milliseconds. Subtitles suit the suffix."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=options or {"crf": "5"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        base = Fraction(1, 1000) if times else Fraction(1, rate)
        stream.time_base = stream.codec_context.time_base = base
        prepare(stream)
        audio = out.add_stream("aac", rate=8000, layout="mono") if sound else None
        text = _text_stream(out, path.suffix) if subtitles else None
        for i, rgb in enumerate(frames):
            one = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
            one.pts, one.time_base = (times[i] if times else i), base
            out.mux(stream.encode(one))
        out.mux(stream.encode(None))
        if audio is not None:
            _hum(out, audio, len(frames) / rate)
        for subtitle in subtitles:
            out.mux(_packet(text, *subtitle))
    return path


def _text_stream(out, suffix: str):
    """A stream for the text of a Matroska or an MP4 file, in English."""
    stream = out.add_stream("subrip" if suffix == ".mkv" else "mov_text")
    stream.codec_context.subtitle_header = _STYLES
    stream.metadata["language"] = "eng"
    return stream


def _packet(stream, text: str, start: int, span: int) -> av.Packet:
    data = text.encode()
    if stream.codec_context.name == "mov_text":
        data = len(data).to_bytes(2, "big") + data
    packet = av.Packet(data)
    packet.pts = packet.dts = start
    packet.duration, packet.time_base, packet.stream = span, Fraction(1, 1000), stream
    return packet


def read_subtitles(path: Path) -> list[Subtitle]:
    """Each with something in it: its text, and when and how long it is shown in milliseconds."""
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux(subtitles=0):
            data = bytes(packet)
            data = data[2:] if packet.stream.codec_context.name == "mov_text" else data
            if data and packet.pts is not None:
                to_ms = packet.time_base * 1000
                shown = round(packet.pts * to_ms), round(packet.duration * to_ms)
                found.append((data.decode(), *shown))
    return found


def _hum(out, stream, seconds: float) -> None:
    wave = (8000 * np.sin(np.arange(int(8000 * seconds)) / 5)).astype(np.int16)[None]
    sound = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
    sound.rate = 8000
    out.mux(stream.encode(sound))
    out.mux(stream.encode(None))


def read(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """Pictures and times in seconds."""
    with av.open(str(path)) as container:
        found = [(f.to_ndarray(format="rgb24"), float(f.time)) for f in container.decode(video=0)]
    return [rgb for rgb, _ in found], [time for _, time in found]


class Squares(FakePipeline):
    """Sees a face in each red or blue square; who it is goes by its colour."""

    def __init__(self) -> None:
        super().__init__()
        self.blind: set[int] = set()  # numbers of calls that find nothing
        self.calls = 0
        self.fuse: tuple[int, BaseException] | None = None  # raised at a number of avatars

    def detect(self, rgb):
        self.calls += 1
        if self.calls - 1 in self.blind:
            return []
        found = [_square(rgb, channel) for channel in (0, 2)]
        return [face_at(box_similarity(box)) for box in found if box is not None]

    def known(self, aligned, rgb):
        return aligned

    def embed(self, crop):
        middle = crop[len(crop) // 2, len(crop) // 2]
        return super().embed(np.full((1, 1), 1 if middle[0] > middle[2] else 2)[..., None])

    def render(self, face, reference, domain, look):
        if self.fuse and len(self.rendered) >= self.fuse[0]:
            raise self.fuse[1]
        small = AlignedFace(face.crop[::16, ::16], face.matrix)
        return super().render(small, reference, domain, look)


def _square(rgb: np.ndarray, channel: int) -> np.ndarray | None:
    others = np.delete(rgb.astype(int), channel, 2).max(2)
    ys, xs = np.nonzero(rgb[..., channel].astype(int) - others > 100)
    if len(ys) < SIDE * SIDE // 8:
        return None
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float64)
