"""What training has to know of a face beside its pixels: palette, z_id, and whatever comes.

A kind of vector is one entry of a table, name -> :class:`VectorKind`: what the values depend on
beside the picture, their dtype and shape, and the function that computes them. Each kind is kept
by content hash in files that are named after all it depends on, so that what another network or an
earlier version computed is never taken for it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hasnet_models import palette
from hasnet_models.data.rows import Rows, RowStore
from hasnet_models.data.workers import Result, Submit, processes

VECTOR_SIDE = 256
_BATCH = 32
_AHEAD = 16
_TRIES = 5

# the name by which a kind needs what is known of a face beside its picture
GIVEN = "given"


class KeyedFace(NamedTuple):
    """A face whose vectors are wanted.

    Attributes:
        key: what it is kept by; stands for all that is below.
        pixels: uint8 (256, 256, 3).
        given: what is known beside the picture, for kinds that need `GIVEN`.
    """

    key: str
    pixels: np.ndarray
    given: np.ndarray | None = None


@dataclass(frozen=True)
class VectorKind:
    """One kind of vector.

    Attributes:
        key: what the values depend on beside the picture: the version of an algorithm, the sha256
            of a network's weights.
        dtype: numpy's name for it.
        shape: of one face's vector.
        compute: uint8 (B, 256, 256, 3), then a (B, ...) for each of ``needs``, to (B, *shape).
        needs: kinds of the same table, named before this one, that it is computed from; `GIVEN`
            stands for what came with the faces.
        apart: where there are many faces, it is computed in processes of its own: for what Python
            itself works on, in a function that they can import.
    """

    key: str
    dtype: str
    shape: tuple[int, ...]
    compute: Callable[..., np.ndarray]
    needs: tuple[str, ...] = ()
    apart: bool = False


VectorTable = Mapping[str, VectorKind]


def palettes_of(faces: np.ndarray) -> np.ndarray:
    """Palettes of faces, uint8 (B, S, S, 3) to uint8 (B, 20, 3)."""
    return np.stack([palette.extract(face) for face in faces])


PALETTES = VectorKind(
    f"version {palette.VERSION}", "uint8", (palette.COLOURS, 3), palettes_of, apart=True
)


class VectorStore:
    """The vectors that a cache folder holds, of all kinds of a table.

    Raises:
        ValueError: a kind needs one that is not named before it.
    """

    def __init__(self, cache: Path, table: VectorTable) -> None:
        self.table = table
        self._stores: dict[str, RowStore] = {}
        for name, kind in table.items():
            if wrong := [n for n in kind.needs if n != GIVEN and n not in self._stores]:
                raise ValueError(f"{name} cannot be computed from {', '.join(wrong)}")
            self._stores[name] = RowStore(cache, self._stem(name), kind.dtype, kind.shape)

    def lacking(self, keys: Iterable[str]) -> list[str]:
        """The hashes of which a vector of some kind is not there, in their order, each once."""
        stores = self._stores.values()
        return [k for k in dict.fromkeys(keys) if any(k not in store for store in stores)]

    def fill(self, faces: Iterable[KeyedFace]) -> None:
        """Compute what is lacking of faces.

        What was computed is kept also where this is interrupted.

        Raises:
            OSError: the disk is full.
        """
        waiting: deque[tuple[str, list[str], Result]] = deque()
        try:
            with processes() as submit:
                for batch in _batches(iter(faces)):
                    self._compute(batch, submit, waiting)
                    self._collect(waiting, _AHEAD)
                self._collect(waiting, 0)
        finally:
            for store in self._stores.values():
                store.flush()

    def rows(self, keys: Sequence[str]) -> dict[str, Rows]:
        """The vectors of these hashes by kind.

        Raises:
            KeyError: one is lacking.
            OSError: the disk is full.
        """
        return {name: self._rows(name, keys) for name in self._stores}

    def _rows(self, name: str, keys: Sequence[str]) -> Rows:
        for _ in range(_TRIES):  # once more where another process merges its files meanwhile
            found = self._stores[name].mapped(keys)
            if found is not None:
                return found
        raise KeyError(f"{name} of a face")

    def _compute(
        self, batch: list[KeyedFace], submit: Submit, waiting: deque[tuple[str, list[str], Result]]
    ) -> None:
        for name, kind in self.table.items():
            part = list({f.key: f for f in batch if f.key not in self._stores[name]}.values())
            if not part:
                continue
            keys, pixels = [f.key for f in part], np.stack([f.pixels for f in part])
            if kind.apart:
                waiting.append((name, keys, submit(kind.compute, pixels)))
                continue
            if any(self.table[n].apart for n in kind.needs if n != GIVEN):
                self._collect(waiting, 0)
            needed = [self._needed(n, part) for n in kind.needs]
            self._stores[name].add(keys, kind.compute(pixels, *needed))

    def _needed(self, name: str, faces: list[KeyedFace]) -> np.ndarray:
        if name == GIVEN:
            return np.stack([f.given for f in faces])
        return self._stores[name].take([f.key for f in faces])

    def _collect(self, waiting: deque[tuple[str, list[str], Result]], most: int) -> None:
        while len(waiting) > most:
            name, keys, result = waiting.popleft()
            self._stores[name].add(keys, result())

    def _stem(self, name: str) -> str:
        return f"{name}-{self._digest(name)}"

    def _digest(self, name: str) -> str:
        kind = self.table[name]
        needs = (n if n == GIVEN else self._digest(n) for n in kind.needs)
        parts = (kind.key, kind.dtype, str(kind.shape), *needs)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _batches(faces: Iterator[KeyedFace]) -> Iterator[list[KeyedFace]]:
    while batch := list(islice(faces, _BATCH)):
        yield batch
