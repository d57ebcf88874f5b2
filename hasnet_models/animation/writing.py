"""Frames into an animated file that goes round for ever: GIF, WebP and APNG by Pillow, MP4 by PyAV.

GIF has one palette for all its frames and no dither, which would crawl.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hasnet_models.animation.names import MP4
from hasnet_models.animation.scene import Pixels
from hasnet_models.animation.timing import DELAY_MS
from hasnet_models.atomic import replacing
from hasnet_models.errors import ImageError, UsageError
from hasnet_models.image_io.formats import named
from hasnet_models.image_io.metadata import save_options
from hasnet_models.image_io.reading import reason_of

_NAMES = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
_SEEN = 5  # frames whose colours make up the palette
_ROUNDS = 4  # of k-means, without which small strong colours such as lips are lost
_CRF = "18"


def write(
    frames: Sequence[Pixels], path: Path, *, quality: int, metadata: Mapping[str, str]
) -> None:
    """Write a loop, whole or not at all.

    Args:
        frames: uint8 (S, S, 3), at least one.
        path: .gif, .webp, .apng or .mp4.
        quality: 1..100, of WebP.
        metadata: texts that `image_io.read_metadata` gives back (not from MP4).

    Raises:
        UsageError: PyAV is needed and not there.
        ImageError: it cannot be written.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == MP4:
            data = _mp4(frames, metadata)
        else:
            data = _animation(frames, _NAMES[suffix], quality, metadata)
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {reason_of(error)}.") from error


def check_mp4() -> None:
    """Raises UsageError where PyAV is not installed."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise UsageError("MP4 needs PyAV.", "Run: pip install 'hasnet[video]'.") from error


def _animation(
    frames: Sequence[Pixels], name: str, quality: int, metadata: Mapping[str, str]
) -> bytes:
    format_, buffer = named(name), io.BytesIO()
    pictures = [Image.fromarray(frame) for frame in frames]
    if name == "GIF":
        pictures = in_one_palette(pictures)
    first, *rest = pictures
    options = format_.options(quality) | save_options(format_, metadata, None)
    first.save(
        buffer, name, save_all=True, append_images=rest, duration=DELAY_MS, loop=0, **options
    )
    return buffer.getvalue()


def in_one_palette(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Pictures of one palette of 256 colours, made from frames all along the loop."""
    seen = [pictures[i] for i in np.linspace(0, len(pictures) - 1, _SEEN).astype(int)]
    whole = Image.fromarray(np.concatenate([np.asarray(one)[::2, ::2] for one in seen]))
    palette = whole.quantize(256, Image.Quantize.MEDIANCUT, kmeans=_ROUNDS)
    return [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]


def _mp4(frames: Sequence[Pixels], metadata: Mapping[str, str]) -> bytes:
    check_mp4()
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        container.metadata["comment"] = json.dumps({"hasnet": dict(metadata)})
        stream: Any = container.add_stream(
            "libx264", rate=Fraction(1000, DELAY_MS), options={"crf": _CRF}
        )
        height, width = (length + length % 2 for length in frames[0].shape[:2])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            even = np.pad(frame, [(0, n % 2) for n in frame.shape[:2]] + [(0, 0)], "edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()
