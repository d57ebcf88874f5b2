"""Arrays of one shape by content hash, in plain files that are memory-mapped.

A file holds a count (8 bytes, little-endian), so many hashes of 24 bytes, then so many arrays. It
is written whole and never changed: who adds writes a file of his own, and files are merged into
one when all that was lacking is there. So no process takes away what another one added.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from hasnet_models.atomic import replacing

_HASH = np.dtype("S24")
_COUNT_BYTES = 8
_FLUSH = 4096
_BLOCK = 1024


class Rows:
    """The arrays of many faces, which stay on the disk: (N, *shape).

    ``rows[i]``, ``rows[[i, j]]`` and ``rows[a:b]`` are ordinary arrays.
    """

    def __init__(self, stored: np.ndarray, places: np.ndarray) -> None:
        self._stored, self._places = stored, places
        self.shape, self.dtype = (len(places), *stored.shape[1:]), stored.dtype

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        return np.array(self._stored[self._places[index]])

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


class RowStore:
    """What a folder holds of one kind; what is added is there at once, and on the disk later.

    Args:
        stem: of the files' names.
    """

    def __init__(self, folder: Path, stem: str, dtype: str, shape: tuple[int, ...]) -> None:
        self.folder, self.stem = folder, stem
        self.dtype, self.shape = np.dtype(dtype), shape
        self._waiting: list[tuple[list[str], np.ndarray]] = []
        self._open()

    def __contains__(self, key: str) -> bool:
        return key in self._place

    def take(self, keys: Iterable[str]) -> np.ndarray:
        """The arrays of these hashes, (N, *shape)."""
        found = [part[i] for part, i in (self._place[key] for key in keys)]
        return np.stack(found) if found else np.zeros((0, *self.shape), self.dtype)

    def add(self, keys: list[str], rows: np.ndarray) -> None:
        """Keep these arrays, (N, *shape).

        Raises:
            ValueError: they have another shape.
        """
        if rows.shape != (len(keys), *self.shape):
            raise ValueError(f"expected {(len(keys), *self.shape)} for {self.stem}: {rows.shape}")
        rows = np.ascontiguousarray(rows, self.dtype)
        self._waiting.append((keys, rows))
        self._place.update((key, (rows, i)) for i, key in enumerate(keys))
        if sum(len(k) for k, _ in self._waiting) >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what was added.

        Raises:
            OSError: the disk is full.
        """
        if self._waiting:
            self._write(self._waiting)
            self._waiting = []

    def mapped(self, keys: Sequence[str]) -> Rows | None:
        """The arrays of these hashes from one file; None where one of them is not on the disk."""
        if len(self._paths()) > 1:
            self._merge()
        self._open()
        if any(key not in self._place for key in keys):
            return None
        parts = {id(part): part for part, _ in self._place.values()}
        if len(parts) > 1:
            return None  # another process has added to it in this moment
        stored = next(iter(parts.values()), np.zeros((0, *self.shape), self.dtype))
        return Rows(stored, np.array([self._place[key][1] for key in keys], np.intp))

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self.stem}.*.rows"))

    def _open(self) -> None:
        self._place: dict[str, tuple[np.ndarray, int]] = {}
        for path in self._paths():
            if found := self._read(path):
                self._place.update((key, (found[1], i)) for i, key in enumerate(found[0]))

    def _read(self, path: Path) -> tuple[list[str], np.ndarray] | None:
        """Hashes and mapped arrays of a file; None where it is damaged, or gone by now."""
        each = _HASH.itemsize + self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))
        try:
            with path.open("rb") as file:
                count = int.from_bytes(file.read(_COUNT_BYTES), "little")
                if not count or path.stat().st_size != _COUNT_BYTES + count * each:
                    return None
                keys = np.frombuffer(file.read(count * _HASH.itemsize), _HASH)
            offset = _COUNT_BYTES + count * _HASH.itemsize
            rows = np.memmap(path, self.dtype, "r", offset, (count, *self.shape))
            return keys.astype(str).tolist(), np.asarray(rows)
        except (OSError, ValueError):
            return None

    def _write(self, parts: Sequence[tuple[list[str], np.ndarray]]) -> Path:
        keys = [key for part, _ in parts for key in part]
        content = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
        path = self.folder / f"{self.stem}.{content}.rows"
        with replacing(path) as file:
            file.write(len(keys).to_bytes(_COUNT_BYTES, "little"))
            file.write(np.array(keys, _HASH).tobytes())
            for _, rows in parts:
                # written, not mapped: a full disk is an error here, and a crash of a mapped file
                for start in range(0, len(rows), _BLOCK):
                    file.write(rows[start : start + _BLOCK].tobytes())
        return path

    def _merge(self) -> None:
        """All files into one; the damaged ones go."""
        paths = self._paths()
        found = [part for part in map(self._read, paths) if part]
        if not found:
            return
        merged = self._write(_unique(found))
        for path in paths:
            if path != merged:
                with contextlib.suppress(OSError):
                    path.unlink()


def _unique(
    parts: Sequence[tuple[list[str], np.ndarray]],
) -> list[tuple[list[str], np.ndarray]]:
    """The parts, without the rows of hashes that an earlier one has."""
    known: set[str] = set()
    found = []
    for keys, rows in parts:
        new = [i for i, key in enumerate(keys) if key not in known]
        if len(new) == len(keys):
            found.append((keys, rows))
        elif new:
            found.append(([keys[i] for i in new], rows[new]))
        known.update(keys)
    return found
