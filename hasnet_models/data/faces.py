"""Aligned faces by domain, decoded once, with the palette and z_id of each.

Pixels lie in the cache as one plain file a face set and size, which is memory-mapped, so that any
face is read without decoding and without holding the set in memory. Everything in the cache goes
by content, is written under a temporary name and renamed: two processes that build the same cache
at once both end with a whole one, and a damaged one is built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from hasnet_models import palette
from hasnet_models.atomic import replacing
from hasnet_models.data.index import (
    FaceRecord,
    file_hash,
    groups,
    has_split,
    list_faces,
    oddities,
    read_face,
    read_index,
)
from hasnet_models.errors import HasnetError, UsageError

__all__ = ["FaceRecord", "FaceSet", "load_faces", "load_splits", "read_face", "read_index"]

VECTOR_SIDE = 256
Embed = Callable[[np.ndarray], np.ndarray]
Progress = Callable[[str, int, int], None]
In = TypeVar("In")
Out = TypeVar("Out")

_DAY = 86400.0


@dataclass
class FaceSet:
    """Faces of one split.

    Attributes:
        images: uint8 (N, size, size, 3), memory-mapped.
        palettes: uint8 (N, 20, 3).
        z_ids: float32 (N, D), unit length.
        skipped: "file: reason" of each picture that could not be used.
        notes: sentences about what is odd, but usable.
        fingerprint: 16 hexadecimal digits that stand for contents, domains and identities.
    """

    records: list[FaceRecord]
    images: np.ndarray
    palettes: np.ndarray
    z_ids: np.ndarray
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        self.by_domain = group(self.records, lambda r: r.domain)
        shared = group(self.records, lambda r: r.identity)
        self.by_identity = {i: m for i, m in shared.items() if i and len(m) > 1}

    def __len__(self) -> int:
        return len(self.records)

    def domain(self, index: int) -> str:
        """Name of the domain of face ``index``."""
        return self.records[index].domain

    def partners(self, index: int) -> list[int]:
        """Faces of the same person in other domains."""
        record = self.records[index]
        same = self.by_identity.get(record.identity, ())
        return [i for i in same if self.records[i].domain != record.domain]


def group(records: list[FaceRecord], key: Callable[[FaceRecord], str]) -> dict[str, list[int]]:
    """Positions of the records by ``key``, in sorted order of the keys."""
    return dict(sorted(groups(key(r) for r in records).items()))


def load_splits(
    folder: Path,
    size: int,
    cache: Path,
    embed: Embed,
    progress: Progress = lambda what, done, total: None,
) -> tuple[FaceSet, FaceSet]:
    """The faces of "train" and of "val"; without any of "val" both are the same.

    Raises:
        UsageError, HasnetError: see :func:`load_faces`.
    """
    from hasnet_models.data import shards

    if shards.is_shards(folder):
        return shards.load_splits(folder, size, cache, embed, progress)
    train = load_faces(folder, "train", size, cache, embed, progress)
    if not has_split(folder, "val"):
        return train, train
    return train, load_faces(folder, "val", size, cache, embed, progress)


def load_faces(
    folder: Path,
    split: str,
    size: int,
    cache: Path,
    embed: Embed,
    progress: Progress = lambda what, done, total: None,
) -> FaceSet:
    """Faces of a split; pictures and vectors come from ``cache`` when they have been made before.

    Args:
        size: side in px that the pictures are kept at.
        cache: folder for the decoded pictures and vectors; entries go by content hash.
        embed: z_id of uint8 (B, 256, 256, 3) faces, as float32 (B, D).
        progress: called with (what, done, total).

    Raises:
        UsageError: see :func:`hasnet_models.data.index.list_faces`; also when no picture
            can be read.
        HasnetError: the cache cannot be written.
    """
    listing = list_faces(folder, split)
    records = listing.records
    hashes = [file_hash(folder / r.file) for r in records]
    with writing(cache):
        images, faults = _decoded(folder, records, hashes, size, cache, progress)
        good = [i for i in range(len(records)) if i not in faults]
        if not good:
            raise UsageError(f"None of the {len(records)} pictures in {folder} can be read.")
        paths = [folder / records[i].file for i in good]
        hashes = [hashes[i] for i in good]
        vectors = _vectors(paths, hashes, cache, embed, progress)
    skipped = listing.skipped + [f"{records[i].file}: {why}" for i, why in faults.items()]
    records = [records[i] for i in good]
    notes = listing.notes + oddities(records, hashes)
    return FaceSet(records, images, *vectors, skipped, notes, fingerprint(records, hashes))


def fingerprint(records: list[FaceRecord], hashes: list[str]) -> str:
    """16 hexadecimal digits that stand for contents, domains and identities, in their order."""
    lines = [f"{h}\t{r.domain}\t{r.identity}" for r, h in zip(records, hashes, strict=True)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


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
            "Give another folder with --cache.",
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


def ordered(
    function: Callable[[In], Out], items: Iterable[In], workers: int = 2, ahead: int = 64
) -> Iterator[Out]:
    """Map in threads, in order, at most ``ahead`` items before the one that is taken."""
    waiting: deque = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _decoded(
    folder: Path,
    records: list[FaceRecord],
    hashes: list[str],
    size: int,
    cache: Path,
    progress: Progress,
) -> tuple[np.ndarray, dict[int, str]]:
    key = hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16]
    base, total = cache / f"faces-{key}-{size}", len(records)
    found = open_pixels(base, size, total)
    if found is None:
        paths = [folder / r.file for r in records]
        pictures = ordered(partial(_face_or_fault, size=size), paths)
        write_pixels(base, _counted(pictures, total, "decoding", progress))
        found = open_pixels(base, size, total)
        assert found is not None
    return found[0], found[1]["faults"]


def _face_or_fault(path: Path, size: int) -> np.ndarray | str:
    try:
        return read_face(path, size)
    except HasnetError as error:
        return str(error)


def _counted(items: Iterable[Out], total: int, what: str, progress: Progress) -> Iterator[Out]:
    for done, item in enumerate(items, 1):
        yield item
        progress(what, done, total)


def _vectors(
    paths: list[Path], hashes: list[str], cache: Path, embed: Embed, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Palettes and z_ids of faces; those of known content come from the cache."""
    store = cache / "vectors.npz"
    known = read_vectors(store)
    # once more where z_ids of another length were thrown away
    while missing := sorted(set(hashes) - set(_places(known))):
        wanted = [paths[hashes.index(h)] for h in missing]
        found = (_palettes(wanted, progress), _z_ids(wanted, embed, progress))
        known = add_vectors(store, missing, *found)
    place = _places(known)
    rows = [place[h] for h in hashes]
    return known["palettes"][rows], known["z_ids"][rows]


def read_vectors(store: Path) -> dict[str, np.ndarray]:
    """Palettes and z_ids by content hash; empty where there are none, or damaged ones."""
    try:
        with np.load(store) as file:
            known = {n: file[n] for n in ("keys", "palettes", "z_ids")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    same = len(known["keys"]) == len(known["palettes"]) == len(known["z_ids"])
    return known if same and known["palettes"].ndim == 3 and known["z_ids"].ndim == 2 else {}


def add_vectors(
    store: Path, keys: list[str], palettes: np.ndarray, z_ids: np.ndarray
) -> dict[str, np.ndarray]:
    """Add to what is stored by now, which another process may have added to; gives all of it."""
    made = {"keys": np.array(keys, "U24"), "palettes": palettes, "z_ids": z_ids}
    known = read_vectors(store)
    if known and known["z_ids"].shape[1] == z_ids.shape[1]:
        made = {n: np.concatenate((known[n], made[n])) for n in made}
    with replacing(store) as file:
        np.savez(file, **made)
    return made


def _places(known: dict[str, np.ndarray]) -> dict[str, int]:
    return {k: i for i, k in enumerate(known["keys"].tolist())} if known else {}


def _palettes(paths: list[Path], progress: Progress) -> np.ndarray:
    with ProcessPoolExecutor(2) as pool:
        found = pool.map(_palette_of, paths, chunksize=32)
        return np.stack(list(_counted(found, len(paths), "palettes", progress)))


def _palette_of(path: Path) -> np.ndarray:
    return palette.extract(read_face(path, VECTOR_SIDE))


def _z_ids(paths: list[Path], embed: Embed, progress: Progress, batch: int = 32) -> np.ndarray:
    found = []
    read = partial(read_face, size=VECTOR_SIDE)
    for start in range(0, len(paths), batch):
        found.append(embed(np.stack([read(p) for p in paths[start : start + batch]])))
        progress("identities", min(start + batch, len(paths)), len(paths))
    return np.concatenate(found).astype(np.float32)


def _sweep(cache: Path) -> None:
    """Remove what killed processes left a day ago."""
    for stale in cache.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - stale.stat().st_mtime > _DAY:
                stale.unlink()
