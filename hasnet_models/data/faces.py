"""Aligned faces by domain, decoded once, with the vectors of each (palette, z_id, ...)."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from hasnet_models.data import shards
from hasnet_models.data.cache import Progress, SplitFaces, open_pixels, write_pixels, writing
from hasnet_models.data.index import (
    FaceRecord,
    groups,
    has_split,
    list_faces,
    oddities,
    read_index,
)
from hasnet_models.data.parts import FaceParts, find_parts, unpacked
from hasnet_models.data.pictures import file_hash, read_face
from hasnet_models.data.rows import Rows
from hasnet_models.data.vectors import VECTOR_SIDE, KeyedFace, VectorStore, VectorTable
from hasnet_models.data.workers import ordered
from hasnet_models.errors import HasnetError, UsageError

Out = TypeVar("Out")


@dataclass
class FaceSet:
    """Faces of one split.

    Attributes:
        images: uint8 (N, size, size, 3), memory-mapped.
        vectors: (N, ...) by kind: "palettes" uint8 (N, 20, 3), "z_ids" float32 (N, D) of unit
            length, and whatever else the table names that the faces were loaded with.
        skipped: "file: reason" of each picture that could not be used.
        notes: sentences about what is odd, but usable.
        fingerprint: 16 hexadecimal digits that stand for contents, domains and identities.
    """

    records: list[FaceRecord]
    images: np.ndarray
    vectors: Mapping[str, Rows | np.ndarray]
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        self.by_domain = group(self.records, lambda r: r.domain)
        shared = group(self.records, lambda r: r.identity)
        self.by_identity = {i: m for i, m in shared.items() if i and len(m) > 1}

    def __len__(self) -> int:
        return len(self.records)

    @property
    def palettes(self) -> Rows | np.ndarray:
        """uint8 (N, 20, 3)."""
        return self.vectors["palettes"]

    @property
    def z_ids(self) -> Rows | np.ndarray:
        """float32 (N, D), unit length."""
        return self.vectors["z_ids"]

    def mesh(self, index: int) -> tuple[np.ndarray, float]:
        """Points float32 (468, 3) of face ``index`` and the score of its mesh."""
        return unpacked(self.vectors["meshes"][index])

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


def count_faces(source: Path) -> int:
    """How many faces of "train" a folder or shards name, without decoding them.

    Raises:
        UsageError: as :func:`load_splits`.
    """
    if shards.is_shards(source):
        return shards.count(source)
    return len(read_index(source, "train"))


def load_splits(
    source: Path,
    size: int,
    cache: Path,
    table: VectorTable,
    progress: Progress = lambda what, done, total: None,
    parts: Path | None = None,
) -> tuple[FaceSet, FaceSet]:
    """The faces of "train" and of "val"; without any of "val" both are the same.

    Args:
        source: a folder, or shards (see :mod:`hasnet_models.data.shards`).
        size, cache, table, progress, parts: as for :func:`load_faces`.

    Raises:
        UsageError, HasnetError: see :func:`load_faces`.
    """
    if shards.is_shards(source):
        if parts:
            raise UsageError("Shards have no parts file.", parameters=("parts",))
        train, val = _load_shards(source, size, cache, table, progress)
        return train, val if len(val) else train
    train = load_faces(source, "train", size, cache, table, progress, parts)
    if not has_split(source, "val"):
        return train, train
    return train, load_faces(source, "val", size, cache, table, progress, parts)


def load_faces(
    folder: Path,
    split: str,
    size: int,
    cache: Path,
    table: VectorTable,
    progress: Progress = lambda what, done, total: None,
    parts: Path | None = None,
) -> FaceSet:
    """Faces of a split; pictures and vectors come from ``cache`` when they have been made before.

    Args:
        size: side in px that the pictures are kept at.
        cache: folder for the decoded pictures and vectors; entries go by content hash.
        table: the vectors wanted.
        progress: called with (what, done, total).
        parts: a file as in :mod:`hasnet_models.data.parts`; None: the folder's, if it has one.

    Raises:
        UsageError: see :func:`hasnet_models.data.index.list_faces`; also when no picture
            can be read, or the parts file is damaged.
        HasnetError: the cache cannot be written.
    """
    listing = list_faces(folder, split)
    known = find_parts(folder, parts, listing.records)
    contents = [file_hash(folder / r.file) for r in listing.records]
    keys = [known.key(r, content) for r, content in zip(listing.records, contents, strict=True)]
    with writing(cache):
        found = _decoded(folder, known, listing.records, keys, size, cache, progress)
        if not found.records:
            count = len(listing.records)
            raise UsageError(f"None of the {count} pictures in {folder} can be read.")
        store = VectorStore(cache, table)
        _fill(store, folder, known, found, progress)
        found.skipped = listing.skipped + found.skipped
        of_key = dict(zip(keys, contents, strict=True))
        notes = listing.notes + oddities(found.records, [of_key[key] for key in found.hashes])
        return _face_set(found, store, notes)


def fingerprint(records: list[FaceRecord], hashes: list[str]) -> str:
    """16 hexadecimal digits that stand for contents, domains and identities, in their order."""
    lines = [f"{h}\t{r.domain}\t{r.identity}" for r, h in zip(records, hashes, strict=True)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _face_set(found: SplitFaces, store: VectorStore, notes: list[str]) -> FaceSet:
    records, hashes = found.records, found.hashes
    mark = fingerprint(records, hashes)
    return FaceSet(records, found.images, store.rows(hashes), found.skipped, notes, mark)


def _load_shards(
    path: Path, size: int, cache: Path, table: VectorTable, progress: Progress
) -> tuple[FaceSet, FaceSet]:
    files = shards.find_shards(path)
    with writing(cache):
        store = VectorStore(cache, table)
        found = shards.read_cache(files, size, cache)
        if found is None or store.lacking(h for split in found for h in split.hashes):
            with contextlib.closing(shards.build(files, size, cache, progress)) as faces:
                store.fill(faces)
            found = shards.read_cache(files, size, cache)
            assert found is not None
        train, val = found
        if not train.records:
            raise shards.no_faces(path, train.skipped)
        return tuple(_face_set(s, store, oddities(s.records, s.hashes)) for s in (train, val))


def _decoded(
    folder: Path,
    parts: FaceParts,
    records: list[FaceRecord],
    hashes: list[str],
    size: int,
    cache: Path,
    progress: Progress,
) -> SplitFaces:
    key = hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16]
    base, total = cache / f"faces-{key}-{size}", len(records)
    found = open_pixels(base, size, total)
    if found is None:
        read = partial(_face_or_fault, folder, parts, size=size)
        write_pixels(base, _counted(ordered(read, records), total, "decoding", progress))
        found = open_pixels(base, size, total)
        assert found is not None
    faults: dict[int, str] = found[1]["faults"]
    good = [i for i in range(total) if i not in faults]
    skipped = [f"{records[i].file}: {why}" for i, why in faults.items()]
    return SplitFaces([records[i] for i in good], [hashes[i] for i in good], found[0], skipped)


def _face_or_fault(
    folder: Path, parts: FaceParts, record: FaceRecord, size: int
) -> np.ndarray | str:
    try:
        return parts.picture(record, read_face(folder / record.file, size))
    except HasnetError as error:
        return str(error)


def _fill(
    store: VectorStore, folder: Path, parts: FaceParts, found: SplitFaces, progress: Progress
) -> None:
    """Compute the vectors that the store lacks; each content is read once."""
    records = dict(zip(found.hashes, found.records, strict=True))

    def read(key: str) -> KeyedFace:
        record = records[key]
        pixels = parts.picture(record, read_face(folder / record.file, VECTOR_SIDE))
        return KeyedFace(key, pixels, parts.mesh(record))

    if lacking := store.lacking(found.hashes):
        store.fill(_counted(ordered(read, lacking), len(lacking), "vectors", progress))


def _counted(items: Iterable[Out], total: int, what: str, progress: Progress) -> Iterator[Out]:
    for done, item in enumerate(items, 1):
        yield item
        progress(what, done, total)
