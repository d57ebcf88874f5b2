"""Faces out of WebDataset shards: tar files of pictures, each with a JSON file of its own.

A sample is ``KEY.jpg`` (or ``.png``, ...) and ``KEY.json`` with ``domain`` and, where known,
``identity`` and ``split`` ("train" when left out). Shards are named by a .tar file, by braces such
as ``{0000..0003}.tar``, or by a folder of .tar files. They are read once, one after the other, and
need never lie unpacked on the disk: what is kept is the cache that every training reads from.
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
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models import image_io
from hasnet_models.atomic import replacing
from hasnet_models.data.cache import Progress, SplitFaces, open_pixels, write_notes
from hasnet_models.data.index import FaceRecord
from hasnet_models.data.parts import FaceParts
from hasnet_models.data.pictures import content_hash, square
from hasnet_models.data.vectors import VECTOR_SIDE, KeyedFace
from hasnet_models.data.workers import ordered
from hasnet_models.errors import HasnetError, UsageError

SPLITS = ("train", "val")
_TAR = ".tar"


@dataclass(frozen=True)
class ShardFace:
    """One face of a shard: who it is, and its pixels at the sides that were asked for."""

    split: str
    record: FaceRecord
    hash: str
    pictures: tuple[np.ndarray, ...]


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


def count(path: Path) -> int:
    """How many faces of "train" shards name; their pictures are not decoded.

    Raises:
        UsageError: there is no such shard, webdataset is missing, or there is no face.
    """
    skipped: list[str] = []
    found = 0
    for file in find_shards(path):
        for sample in decoded(file, (), skipped):
            found += sample.split == "train"
    if not found:
        raise no_faces(path, skipped)
    return found


def no_faces(path: Path, skipped: list[str]) -> UsageError:
    """The error for shards without a face to train on."""
    why = f": {skipped[0]}" if skipped else "."
    return UsageError(f"{path} holds no faces of the split 'train'{why}")


def decoded(file: Path, sides: tuple[int, ...], skipped: list[str]) -> Iterator[ShardFace]:
    """The usable faces of a shard, of any split, in their order.

    Args:
        sides: of the pictures, in px; none of them: no picture is decoded.
        skipped: gets "file/key: reason" of each sample that cannot be used, and a line where the
            shard ends too early.

    Raises:
        UsageError: webdataset is not installed.
    """
    for found in ordered(partial(_decode, sides=sides), _read(file, skipped)):
        if isinstance(found, ShardFace):
            yield found
        else:
            skipped.append(found)


def read_cache(files: list[Path], size: int, cache: Path) -> tuple[SplitFaces, SplitFaces] | None:
    """The faces of "train" and "val" that :func:`build` stored, or None where that is not whole."""
    train, val = (_read_split(_base(files, size, cache, split), size) for split in SPLITS)
    return None if train is None or val is None else (train, val)


def build(files: list[Path], size: int, cache: Path, progress: Progress) -> Iterator[KeyedFace]:
    """Read the shards once: store the pixels, and give what vectors are computed from.

    Nothing is stored before the last face was taken.

    Args:
        progress: called with ("shards", done, total).

    Raises:
        UsageError: webdataset is not installed.
        OSError: the disk is full.
    """
    skipped: list[str] = []
    rows: dict[str, list[tuple[FaceRecord, str]]] = {s: [] for s in SPLITS}
    bases = {split: _base(files, size, cache, split) for split in SPLITS}
    nothing = FaceParts()
    with contextlib.ExitStack() as stack:
        pixels = {
            split: stack.enter_context(replacing(base.with_suffix(".u8")))
            for split, base in bases.items()
        }
        for done, file in enumerate(files):
            progress("shards", done, len(files))
            for face in decoded(file, (size, VECTOR_SIDE), skipped):
                if face.split in SPLITS:
                    pixels[face.split].write(face.pictures[0].tobytes())
                    rows[face.split].append((face.record, face.hash))
                    yield KeyedFace(face.hash, face.pictures[1], nothing.mesh(face.record))
        progress("shards", len(files), len(files))
    for split, found in rows.items():
        records = [dataclasses.astuple(r) for r, _ in found]
        more = {"records": records, "hashes": [h for _, h in found], "skipped": skipped}
        write_notes(bases[split], len(found), {}, **more)


def _base(files: list[Path], size: int, cache: Path, split: str) -> Path:
    """A shard is known by its path, size and time; hashing all of it would mean reading it."""
    stats = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    key = hashlib.sha256(json.dumps(stats).encode()).hexdigest()[:16]
    return cache / f"shards-{key}-{size}-{split}"


def _read_split(base: Path, size: int) -> SplitFaces | None:
    found = open_pixels(base, size, None)
    if found is None:
        return None
    images, notes = found
    try:
        records = [FaceRecord(*fields) for fields in notes["records"]]
        hashes, skipped = list(notes["hashes"]), list(notes["skipped"])
    except (KeyError, TypeError):
        return None
    if not len(records) == len(hashes) == len(images):
        return None
    return SplitFaces(records, hashes, images, skipped)


def _read(file: Path, skipped: list[str]) -> Iterator[dict[str, Any]]:
    """The samples of one shard, as bytes by suffix."""

    def report(error: Exception) -> bool:
        skipped.append(f"{file.name}: {str(error.args[0]).split(' @ ')[0]}.")
        return True

    options = {"shardshuffle": False, "empty_check": False, "handler": report}
    # every process reads all shards: which faces a rank trains on is the sampler's affair
    yield from _webdataset().WebDataset([str(file)], nodesplitter=lambda urls: urls, **options)


def _decode(sample: dict[str, Any], sides: tuple[int, ...]) -> ShardFace | str:
    """The sample decoded, or the reason why it cannot be used."""
    key = f"{Path(sample['__url__']).name}/{sample['__key__']}"
    try:
        about = _about(sample)
        data = _picture(sample)
        rgb = image_io.read(io.BytesIO(data)).rgb if sides else None
        pictures = tuple(square(rgb, side) for side in sides)
    except HasnetError as error:
        return f"{key}: {error}"
    record = FaceRecord(about["domain"], key, str(about.get("identity") or ""))
    return ShardFace(about.get("split", "train"), record, content_hash(data), pictures)


def _about(sample: dict[str, Any]) -> dict[str, Any]:
    try:
        about = json.loads(sample.get("json", b"null"))
    except ValueError as error:
        raise UsageError(f"its JSON cannot be read: {error}.") from error
    if not isinstance(about, dict) or not isinstance(about.get("domain"), str):
        raise UsageError("it has no JSON that names its domain.")
    if not isinstance(about.get("split", "train"), str):
        raise UsageError("its split is no text.")
    return about


def _picture(sample: dict[str, Any]) -> bytes:
    for suffix, data in sample.items():
        if f".{suffix}" in image_io.SUFFIXES:
            return data
    raise UsageError("it has no picture.")


def _webdataset() -> Any:
    try:
        import webdataset
    except ImportError as error:
        raise UsageError(
            "Reading shards needs another package.", "Run: pip install 'hasnet[webdataset]'"
        ) from error
    return webdataset
