"""A folder of aligned faces by domain, decoded once, with the palette and z_id of each face.

Layout: ``FOLDER/<domain>/<picture>``, with an optional ``FOLDER/index.tsv`` whose columns
``domain split file identity`` name the pictures; faces of one person in two domains share
``identity``. Without an index every picture of a sub-folder belongs to the split "train".
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from hasnet_models import image_io, palette
from hasnet_models.errors import HasnetError, UsageError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
VECTOR_SIDE = 256
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FaceRecord:
    """One line of the index."""

    domain: str
    file: str
    identity: str


@dataclass
class FaceSet:
    """Faces of one split in memory.

    Attributes:
        images: uint8 (N, size, size, 3), memory-mapped.
        palettes: uint8 (N, 20, 3).
        z_ids: float32 (N, D), unit length.
        skipped: "file: reason" of each picture that could not be read.
    """

    records: list[FaceRecord]
    images: np.ndarray
    palettes: np.ndarray
    z_ids: np.ndarray
    skipped: list[str] = field(default_factory=list)

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
    found: dict[str, list[int]] = {}
    for i, record in enumerate(records):
        found.setdefault(key(record), []).append(i)
    return dict(sorted(found.items()))


def read_index(folder: Path, split: str) -> list[FaceRecord]:
    """The faces of a split, sorted by file name.

    Raises:
        UsageError: the folder does not exist, has no faces of that split, or a domain is empty.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder of faces at {folder}.")
    index = folder / "index.tsv"
    records = list(_index_rows(index, split) if index.is_file() else _folder_rows(folder, split))
    if not records:
        raise UsageError(f"{folder} holds no faces of the split {split!r}.")
    return sorted(set(records), key=lambda r: r.file)


def _index_rows(index: Path, split: str) -> Iterator[FaceRecord]:
    with index.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row.get("split", "train") == split:
                yield FaceRecord(row["domain"], row["file"], row.get("identity") or "")


def _folder_rows(folder: Path, split: str) -> Iterator[FaceRecord]:
    for domain in sorted(p for p in folder.iterdir() if p.is_dir() and split == "train"):
        files = [p for p in sorted(domain.iterdir()) if p.suffix.lower() in SUFFIXES]
        if not files:
            raise UsageError(f"The domain folder {domain} holds no pictures.")
        for path in files:
            yield FaceRecord(domain.name, f"{domain.name}/{path.name}", "")


def load_faces(
    folder: Path,
    split: str,
    size: int,
    cache: Path,
    embed: Callable[[np.ndarray], np.ndarray],
    progress: Progress = lambda what, done, total: None,
) -> FaceSet:
    """Faces of a split; pictures and vectors come from ``cache`` when they have been made before.

    Args:
        size: side in px that the pictures are kept at.
        cache: folder for the decoded pictures and vectors; entries go by content hash.
        embed: z_id of uint8 (B, 256, 256, 3) faces, as float32 (B, D).
        progress: called with (what, done, total).

    Raises:
        UsageError: see :func:`read_index`; also when no picture can be read.
    """
    records = read_index(folder, split)
    hashes = [_hash(folder / r.file) for r in records]
    cache.mkdir(parents=True, exist_ok=True)
    images, faults = _decoded(folder, records, hashes, size, cache, progress)
    good = [i for i in range(len(records)) if i not in faults]
    if not good:
        raise UsageError(f"None of the {len(records)} pictures in {folder} can be read.")
    vectors = _vectors(folder, records, hashes, good, cache, embed, progress)
    skipped = [f"{records[i].file}: {reason}" for i, reason in faults.items()]
    if faults:
        images = images[good]
    return FaceSet([records[i] for i in good], images, *vectors, skipped)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:24] if path.is_file() else "missing"


def read_face(path: Path, size: int) -> np.ndarray:
    """One aligned face as uint8 (size, size, 3); what is not square is cut to its centre.

    Raises:
        HasnetError: the file cannot be read as a picture.
    """
    rgb = image_io.read(path).rgb
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    square = rgb[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return square if side == size else cv2.resize(square, (size, size), interpolation=method)


def _decoded(
    folder: Path,
    records: list[FaceRecord],
    hashes: list[str],
    size: int,
    cache: Path,
    progress: Progress,
) -> tuple[np.ndarray, dict[int, str]]:
    key = hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16]
    path, bad = cache / f"faces-{key}-{size}.npy", cache / f"faces-{key}-{size}.bad"
    if path.is_file() and bad.is_file():
        lines = bad.read_text(encoding="utf-8").splitlines()
        return np.load(path, mmap_mode="r"), {int(n): t for n, t in (x.split("\t") for x in lines)}
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    shape = (len(records), size, size, 3)
    images = np.lib.format.open_memmap(temporary, "w+", np.uint8, shape)
    faults: dict[int, str] = {}

    def decode(i: int) -> None:
        try:
            images[i] = read_face(folder / records[i].file, size)
        except HasnetError as error:
            faults[i] = str(error)

    with ThreadPoolExecutor(2) as pool:
        for done, _ in enumerate(pool.map(decode, range(len(records))), 1):
            progress("decoding", done, len(records))
    images.flush()
    temporary.replace(path)
    bad.write_text("".join(f"{i}\t{t}\n" for i, t in sorted(faults.items())), encoding="utf-8")
    return np.load(path, mmap_mode="r"), dict(sorted(faults.items()))


def _vectors(
    folder: Path,
    records: list[FaceRecord],
    hashes: list[str],
    good: list[int],
    cache: Path,
    embed: Callable[[np.ndarray], np.ndarray],
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Palettes and z_ids of the readable faces; those of known content come from the cache."""
    store = cache / "vectors.npz"
    known = dict(np.load(store)) if store.is_file() else {"keys": np.array([], "U24")}
    place = {k: i for i, k in enumerate(known["keys"].tolist())}
    missing = [i for i in good if hashes[i] not in place]
    if missing:
        paths = [folder / records[i].file for i in missing]
        made = {
            "keys": np.array([hashes[i] for i in missing], "U24"),
            "palettes": _palettes(paths, progress),
            "z_ids": _z_ids(paths, embed, progress),
        }
        known = {n: np.concatenate((known[n], made[n])) if n in known else made[n] for n in made}
        temporary = store.with_name(f"vectors.{os.getpid()}.tmp.npz")
        np.savez(temporary, **known)
        temporary.replace(store)
        place = {k: i for i, k in enumerate(known["keys"].tolist())}
    rows = [place[hashes[i]] for i in good]
    return known["palettes"][rows], known["z_ids"][rows]


def _palettes(paths: list[Path], progress: Progress) -> np.ndarray:
    found = []
    with ProcessPoolExecutor(2) as pool:
        for done, p in enumerate(pool.map(_palette_of, paths, chunksize=32), 1):
            found.append(p)
            progress("palettes", done, len(paths))
    return np.stack(found)


def _palette_of(path: Path) -> np.ndarray:
    return palette.extract(read_face(path, VECTOR_SIDE))


def _z_ids(
    paths: list[Path],
    embed: Callable[[np.ndarray], np.ndarray],
    progress: Progress,
    batch: int = 32,
) -> np.ndarray:
    found = []
    read = partial(read_face, size=VECTOR_SIDE)
    for start in range(0, len(paths), batch):
        found.append(embed(np.stack([read(p) for p in paths[start : start + batch]])))
        progress("identities", min(start + batch, len(paths)), len(paths))
    return np.concatenate(found).astype(np.float32)
