"""Faces out of WebDataset shards: tar files of pictures, each with a JSON file of its own.

A sample is ``KEY.jpg`` (or ``.png``, ...) and ``KEY.json`` with ``domain`` and, where known,
``identity`` and ``split`` ("train" when left out). The shards are read once, one after the other,
and need never lie unpacked on the disk: what is kept is the cache that every training reads from.
Reading them needs the extra ``hasnet[webdataset]``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models import image_io, palette
from hasnet_models.atomic import replacing
from hasnet_models.data.faces import (
    VECTOR_SIDE,
    Embed,
    FaceSet,
    Progress,
    add_vectors,
    fingerprint,
    open_pixels,
    ordered,
    read_vectors,
    write_notes,
    writing,
)
from hasnet_models.data.index import FaceRecord, content_hash, oddities, square
from hasnet_models.errors import HasnetError, UsageError

_BATCH = 32
_SPLITS = ("train", "val")
_TAR = ".tar"
_NO_VECTORS = {
    "keys": np.zeros(0, "U24"),
    "palettes": np.zeros((0, 20, 3), np.uint8),
    "z_ids": np.zeros((0, 0), np.float32),
}


@dataclass(frozen=True)
class Sample:
    """One face of a shard: who it is, its pixels at two sizes, its palette."""

    split: str
    record: FaceRecord
    hash: str
    pixels: np.ndarray
    large: np.ndarray
    palette: np.ndarray


def is_shards(path: Path) -> bool:
    """Whether a path names shards: a .tar file, braces of them, or a folder with nothing else."""
    if path.is_dir():
        inside = [p for p in path.iterdir() if p.name[0] != "."]
        return any(p.suffix == _TAR for p in inside) and not any(p.is_dir() for p in inside)
    return path.suffix == _TAR


def find_shards(path: Path) -> list[Path]:
    """The shard files that a path names, in order; ``{0000..0003}`` stands for four of them.

    Raises:
        UsageError: one of them does not exist, or webdataset is not installed.
    """
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix == _TAR)
    found = [Path(p) for p in _webdataset().shardlists.expand_urls(str(path))]
    missing = [str(p) for p in found if not p.is_file()]
    if missing:
        raise UsageError(f"There is no shard {missing[0]}.")
    return found


def load_splits(
    path: Path, size: int, cache: Path, embed: Embed, progress: Progress
) -> tuple[FaceSet, FaceSet]:
    """The faces of "train" and of "val"; without any of "val" both are the same.

    Args:
        path: a .tar file, braces such as ``{0000..0003}.tar``, or a folder of .tar files.
        size, cache, embed, progress: as :func:`hasnet_models.data.faces.load_faces`.

    Raises:
        UsageError: there is no such shard, webdataset is missing, or no face of "train" is usable.
        HasnetError: the cache cannot be written.
    """
    files = find_shards(path)
    base = cache / f"shards-{_key(files)}-{size}"
    with writing(cache):
        found = _open(base, size, cache)
        if found is None:
            _build(files, base, size, cache, embed, progress)
            found = _open(base, size, cache)
            assert found is not None
    train, val = found
    if not len(train):
        why = f": {train.skipped[0]}" if train.skipped else "."
        raise UsageError(f"{path} holds no faces of the split 'train'{why}")
    return train, val if len(val) else train


def _key(files: list[Path]) -> str:
    """A shard is known by its path, size and time; hashing all of it would mean reading it."""
    stats = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    return hashlib.sha256(json.dumps(stats).encode()).hexdigest()[:16]


def _open(base: Path, size: int, cache: Path) -> tuple[FaceSet, FaceSet] | None:
    """Both splits from the cache, or None where anything of it is missing or damaged."""
    known = read_vectors(cache / "vectors.npz")
    made = [_open_split(_split_base(base, s), size, known) for s in _SPLITS]
    return None if None in made else (made[0], made[1])


def _open_split(base: Path, size: int, known: dict[str, np.ndarray]) -> FaceSet | None:
    found = open_pixels(base, size, None)
    if found is None:
        return None
    images, notes = found
    known = known or _NO_VECTORS
    place = {k: i for i, k in enumerate(known["keys"].tolist())}
    try:
        rows = [place[h] for h in notes["hashes"]]
        records = [FaceRecord(*fields) for fields in notes["records"]]
        skipped = list(notes["skipped"])
    except (KeyError, TypeError):
        return None
    return FaceSet(
        records,
        images,
        known["palettes"][rows],
        known["z_ids"][rows],
        skipped,
        oddities(records, notes["hashes"]),
        fingerprint(records, notes["hashes"]),
    )


def _build(
    files: list[Path], base: Path, size: int, cache: Path, embed: Embed, progress: Progress
) -> None:
    """Read the shards once; pixels go to a file a split, vectors to those of all face sets."""
    skipped: list[str] = []
    rows: dict[str, list[tuple[FaceRecord, str]]] = {s: [] for s in _SPLITS}
    vectors: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    with contextlib.ExitStack() as stack:
        pixels = {
            split: stack.enter_context(replacing(_split_base(base, split).with_suffix(".u8")))
            for split in _SPLITS
        }
        for batch in _batches(_samples(files, size, skipped, progress)):
            z_ids = embed(np.stack([s.large for s in batch]))
            for sample, z_id in zip(batch, z_ids, strict=True):
                pixels[sample.split].write(sample.pixels.tobytes())
                rows[sample.split].append((sample.record, sample.hash))
                vectors[sample.hash] = sample.palette, z_id
    if vectors:
        palettes, z_ids = (np.stack(v) for v in zip(*vectors.values(), strict=True))
        add_vectors(cache / "vectors.npz", list(vectors), palettes, z_ids.astype(np.float32))
    for split, found in rows.items():
        records = [dataclasses.astuple(r) for r, _ in found]
        more = {"records": records, "hashes": [h for _, h in found], "skipped": skipped}
        write_notes(_split_base(base, split), len(found), {}, **more)


def _samples(
    files: list[Path], size: int, skipped: list[str], progress: Progress
) -> Iterator[Sample]:
    """The usable samples in the order of the shards; the reasons for the others are appended."""
    for done, file in enumerate(files):
        progress("shards", done, len(files))
        for found in ordered(partial(_prepare, size=size), _read(file, skipped)):
            if isinstance(found, Sample):
                yield found
            elif found:
                skipped.append(found)
    progress("shards", len(files), len(files))


def _read(file: Path, skipped: list[str]) -> Iterator[dict[str, Any]]:
    """The samples of one shard, as bytes by suffix."""

    def report(error: Exception) -> bool:
        skipped.append(f"{file.name}: {str(error.args[0]).split(' @ ')[0]}.")
        return True

    options = {"shardshuffle": False, "empty_check": False, "handler": report}
    # every process reads all shards: which faces a rank trains on is the sampler's affair
    yield from _webdataset().WebDataset([str(file)], nodesplitter=lambda urls: urls, **options)


def _prepare(sample: dict[str, Any], size: int) -> Sample | str:
    """The sample decoded, the reason why it cannot be used, or "" for an unused split."""
    key = f"{Path(sample['__url__']).name}/{sample['__key__']}"
    try:
        about = _about(sample)
        if about.get("split", "train") not in _SPLITS:
            return ""
        data = _picture(sample)
        rgb = image_io.read(io.BytesIO(data)).rgb
        pixels, large = square(rgb, size), square(rgb, VECTOR_SIDE)
    except HasnetError as error:
        return f"{key}: {error}"
    record = FaceRecord(about["domain"], key, str(about.get("identity") or ""))
    split = about.get("split", "train")
    return Sample(split, record, content_hash(data), pixels, large, palette.extract(large))


def _about(sample: dict[str, Any]) -> dict[str, Any]:
    try:
        about = json.loads(sample.get("json", b"null"))
    except ValueError as error:
        raise UsageError(f"its JSON cannot be read: {error}.") from error
    if not isinstance(about, dict) or not isinstance(about.get("domain"), str):
        raise UsageError("it has no JSON that names its domain.")
    return about


def _picture(sample: dict[str, Any]) -> bytes:
    for suffix, data in sample.items():
        if f".{suffix}" in image_io.SUFFIXES:
            return data
    raise UsageError("it has no picture.")


def _batches(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, _BATCH)):
        yield batch


def _split_base(base: Path, split: str) -> Path:
    return base.with_name(f"{base.name}-{split}")


def _webdataset() -> Any:
    try:
        import webdataset
    except ImportError as error:
        raise UsageError(
            "Reading shards needs another package.", "Run: pip install 'hasnet[webdataset]'"
        ) from error
    return webdataset
