"""The cache of decoded faces: a folder, and in it plain files of pixels.

Pixels lie in one file a face set and size, which is memory-mapped, so that any face is read
without decoding and without holding the set in memory. Everything in the cache goes by content, is
written under a temporary name and renamed: two processes that build the same cache at once both
end with a whole one, and a damaged one is built again.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hasnet_models.atomic import replacing
from hasnet_models.data.index import FaceRecord
from hasnet_models.errors import HasnetError

_DAY = 86400.0

Progress = Callable[[str, int, int], None]


@dataclass
class SplitFaces:
    """The decoded faces of a split; ``images`` is uint8 (N, size, size, 3), memory-mapped."""

    records: list[FaceRecord]
    hashes: list[str]
    images: np.ndarray
    skipped: list[str]


@contextlib.contextmanager
def writing(cache: Path) -> Iterator[None]:
    """Make the cache's folder; what the system refuses in it becomes one sentence.

    Raises:
        HasnetError: the disk is full, or the folder cannot be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        yield
    except OSError as error:
        raise HasnetError(
            f"The cache of faces {cache} cannot be used: {error.strerror or error}.",
            "Give another folder with cache=FOLDER.",
            parameters=("cache",),
        ) from error


def open_pixels(base: Path, size: int, count: int | None) -> tuple[np.ndarray, dict] | None:
    """The memory-mapped pictures that :func:`write_pixels` stored, and the notes beside them.

    Args:
        count: how many pictures went in, good and bad; None where that is not known.

    Returns:
        None where nothing whole is there.
    """
    try:
        notes = json.loads(base.with_suffix(".json").read_text(encoding="utf-8"))
        shape = (int(notes["rows"]), size, size, 3)
        faults = {int(i): str(why) for i, why in notes["faults"].items()}
        pixels = base.with_suffix(".u8")
        if pixels.stat().st_size != np.prod(shape, dtype=np.int64):
            return None
        if not set(faults) <= set(range(shape[0] + len(faults))):
            return None
        if count not in (None, shape[0] + len(faults)):
            return None
        if not shape[0]:
            return np.zeros(shape, np.uint8), {**notes, "faults": faults}
        # a plain array: numpy.memmap hands its type on to copies that are not mapped
        images = np.asarray(np.memmap(pixels, np.uint8, "r", shape=shape))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return images, {**notes, "faults": faults}


def write_pixels(base: Path, pictures: Iterable[np.ndarray | str]) -> None:
    """Store pictures one after the other, and beside them which are missing and why.

    Args:
        pictures: uint8 (size, size, 3), or the reason why there is none.

    Raises:
        OSError: the disk is full.
    """
    faults: dict[int, str] = {}
    rows = 0
    with replacing(base.with_suffix(".u8")) as file:
        for i, picture in enumerate(pictures):
            if isinstance(picture, str):
                faults[i] = picture
            else:
                # written, not mapped: a full disk is an error here, and a crash of a mapped file
                file.write(picture.tobytes())
                rows += 1
    write_notes(base, rows, faults)


def write_notes(base: Path, rows: int, faults: dict[int, str], **more: object) -> None:
    """Say what the file of pixels holds, and anything else that JSON can."""
    with replacing(base.with_suffix(".json")) as file:
        file.write(json.dumps({**more, "rows": rows, "faults": faults}).encode())


def _sweep(cache: Path) -> None:
    """Remove what killed processes left a day ago."""
    for stale in cache.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - stale.stat().st_mtime > _DAY:
                stale.unlink()
