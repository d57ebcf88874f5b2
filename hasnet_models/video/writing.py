"""Pieces put together: packets copied into a container, or pictures into an animation or folder.

Sound and subtitles of the source are copied packet by packet beside the new pictures.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hasnet_models import image_io
from hasnet_models.atomic import replacing, replacing_by_name
from hasnet_models.image_io import Photo, formats, metadata
from hasnet_models.image_io.photo import over_white
from hasnet_models.video import containers
from hasnet_models.video.clip import ANIMATION, CONTAINER, ClipInfo
from hasnet_models.video.pyav import av
from hasnet_models.video.target import Target

_COPIED = ("audio", "subtitle")
_PUBLIC = ("title", "artist", "album", "copyright", "date", "creation_time", "language")
_COMMENT, _KEY = "comment", "hasnet"
_LEAST_GIF = 2  # hundredths of a second; browsers show less as ten
_PALETTE_FRAMES = 12

Say = Callable[[str], None]
Packets = Iterator[tuple[float, Any]]


@dataclass(frozen=True)
class Whole:
    """What is put together.

    Attributes:
        pieces: files in their order.
        record: how it came about.
        duration: of the last frame, in units of the source's time base; 0 where nobody says.
        until: in seconds, where not the whole source is there; None where it is.
        quality: 1..100, of an animation.
    """

    pieces: Sequence[Path]
    record: Mapping[str, str] = field(default_factory=dict)
    duration: int = 0
    until: float | None = None
    quality: int = 95


def put_together(target: Target, info: ClipInfo, whole: Whole, say: Say) -> None:
    """Write the output, whole or not at all; each picture of a folder for itself.

    Args:
        info: of the source.
        say: takes a note on what the output cannot hold.

    Raises:
        OSError, av.FFmpegError, ClipError: it cannot be written.
    """
    if target.kind == CONTAINER:
        with replacing_by_name(target.path) as temporary:
            _write_container(temporary, target, info, whole, say)
        return
    with contextlib.ExitStack() as stack:
        if info.kind == CONTAINER:
            source = stack.enter_context(containers.opened(info.path))
            if source.streams.audio or source.streams.subtitles:
                say(f"{target.path.name} holds no sound or subtitles: they are left out.")
    write = _write_animation if target.kind == ANIMATION else _write_folder
    write(target, info, whole)


def read_record(path: Path) -> dict[str, str]:
    """The record that a container carries; empty if there is none.

    Raises:
        ClipError: it cannot be read.
    """
    with containers.opened(path) as container:
        found = {key.lower(): value for key, value in container.metadata.items()}
    try:
        return {str(k): str(v) for k, v in json.loads(found[_COMMENT])[_KEY].items()}
    except (KeyError, ValueError, TypeError, AttributeError):  # somebody else's comment
        return {}


# ------------------------------------------------------------------------------- containers


def _write_container(
    path: Path, target: Target, info: ClipInfo, whole: Whole, say: Say
) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(containers.opened(whole.pieces[0]))
        options = {"movflags": "faststart"} if target.format in ("mp4", "mov") else {}
        out = av.open(str(path), "w", format=target.format, container_options=options)
        stack.callback(out.close)
        streams = [_pictures(whole.pieces, out.add_stream_from_template(first.streams.video[0]))]
        if info.kind == CONTAINER:
            source = stack.enter_context(containers.opened(info.path))
            out.metadata.update(_public(source.metadata))
            streams += _beside(source, out, whole.until, target, say)
        if whole.record:
            out.metadata[_COMMENT] = json.dumps({_KEY: dict(whole.record)})
        for _, packet in heapq.merge(*streams, key=lambda timed: timed[0]):
            out.mux(packet)


def _public(found: Mapping[str, str]) -> dict[str, str]:
    """What of a source's metadata may be passed on: no place, no device."""
    return {key: value for key, value in found.items() if key.lower() in _PUBLIC}


def _pictures(pieces: Sequence[Path], stream: Any) -> Packets:
    """The packets of all pieces, for a stream of the output."""
    last = None
    for piece in pieces:
        with containers.opened(piece) as container:
            for packet in container.demux(video=0):
                if packet.dts is None:
                    continue
                if last is not None and packet.dts <= last:  # rounding, where two pieces meet
                    packet.dts = last + 1
                last = packet.dts
                time = float(packet.dts * packet.time_base)
                packet.stream = stream
                yield time, packet


def _beside(
    source: Any, out: Any, until: float | None, target: Target, say: Say
) -> list[Packets]:
    """Sound and subtitles of the source, those that the container can hold."""
    copies = {}
    for stream in source.streams:
        if stream.type == "video":
            continue
        name = stream.codec_context.name if stream.codec_context else "unknown"
        if stream.type in _COPIED and name in out.supported_codecs:
            copies[stream.index] = out.add_stream_from_template(stream)
            copies[stream.index].metadata.update(_public(stream.metadata))
        elif stream.type in _COPIED:
            what = "Sound" if stream.type == "audio" else "Subtitles"
            say(f"{what} in {name} do not fit into {target.path.suffix}: left out.")
    return [_copied(source, copies, until)] if copies else []


def _copied(source: Any, copies: Mapping[int, Any], until: float | None) -> Packets:
    """The source's packets of some streams, until a time in seconds."""
    wanted = [source.streams[index] for index in copies]
    last = 0.0
    with contextlib.suppress(av.InvalidDataError, av.EOFError):  # a source that is cut off
        for packet in source.demux(wanted):
            if packet.dts is None:
                continue
            time = float(packet.dts * packet.time_base)
            if until is not None and time > until:
                continue
            last = max(last, time)
            packet.stream = copies[packet.stream.index]
            yield last, packet


# --------------------------------------------------------------------- animations and folders


def _pictures_of(pieces: Sequence[Path]) -> Iterator[tuple[np.ndarray, float]]:
    """Each frame uint8 (H, W, 4), alpha not multiplied in, and its time in seconds."""
    for piece in pieces:
        with containers.opened(piece) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgba"), float(frame.pts * frame.time_base)


def _write_animation(target: Target, info: ClipInfo, whole: Whole) -> None:
    format_ = formats.named(target.picture)
    frames, times = [], []
    for rgba, time in _pictures_of(whole.pieces):
        opaque = bool((rgba[..., 3] == 255).all())
        frames.append(Image.fromarray(np.ascontiguousarray(rgba[..., :3]) if opaque else rgba))
        times.append(time)
    last = float(whole.duration * info.time_base) or 1 / float(info.rate)
    options = format_.options(whole.quality) | metadata.save_options(format_, whole.record, None)
    if target.picture == "GIF":
        frames = _in_one_palette(frames)
    if target.picture != "GIF" or info.loop != 1:
        options["loop"] = info.loop
    with replacing(target.path) as file:
        frames[0].save(
            file, target.picture, save_all=True, append_images=frames[1:],
            duration=_durations(times, last, target.picture), **options,
        )  # fmt: skip


def _durations(times: Sequence[float], last: float, picture: str) -> list[int]:
    """Milliseconds of each frame, without a drift of what is rounded."""
    unit = 10 if picture == "GIF" else 1
    ends = [*times[1:], times[-1] + last]
    marks = [round(time * 1000 / unit) for time in (times[0], *ends)]
    least = _LEAST_GIF if picture == "GIF" else 1
    return [unit * max(least, b - a) for a, b in itertools.pairwise(marks)]


def _in_one_palette(frames: list[Image.Image]) -> list[Image.Image]:
    """Frames in the colours that some of them have: with its own palette each would flicker.

    Those that are transparent keep to Pillow's own way, which knows no common palette.
    """
    if any(frame.mode == "RGBA" for frame in frames):
        return frames
    some = frames[:: max(1, len(frames) // _PALETTE_FRAMES)]
    small = [np.asarray(frame.resize((128, 128), Image.Resampling.BOX)) for frame in some]
    palette = Image.fromarray(np.concatenate(small)).quantize(256, Image.Quantize.MEDIANCUT)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def _write_folder(target: Target, info: ClipInfo, whole: Whole) -> None:
    target.path.mkdir(exist_ok=True)
    for number, (rgba, _) in enumerate(_pictures_of(whole.pieces)):
        stem = info.stems[number] if number < len(info.stems) else f"{number + 1:06d}"
        alpha = np.ascontiguousarray(rgba[..., 3])
        rgb = np.ascontiguousarray(rgba[..., :3])
        opaque = bool((alpha == 255).all())
        photo = Photo(rgb) if opaque else Photo(over_white(rgb, alpha), alpha)
        image_io.write(photo, target.path / f"{stem}.png", metadata=whole.record)


