"""The header of a safetensors file, read and checked without numpy.

Such a file is the length of its header in 8 bytes, a JSON object, and the tensors' bytes, one after
the other without gaps. The object has an entry for each tensor and, as `__metadata__`, a table of
strings.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 1 << 20  # bytes; 36 references take 4 kB, a head of all tensors 10 kB
MOST_DIMENSIONS = 8
# Bytes of a number, by the names of types that a plugin's files may have.
SIZES = {"U8": 1, "F16": 2, "F32": 4}
_START = 8
_METADATA = "__metadata__"
_PICKLES = (b"\x80", b"PK\x03\x04")  # protocols from 2 on, and torch's archives of them


@dataclass(frozen=True)
class Entry:
    """A tensor's type, shape and place: `begin` and `end` count from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


@dataclass(frozen=True)
class Header:
    """The tensors of a file by name, and what it says of itself."""

    tensors: Mapping[str, Entry]
    metadata: Mapping[str, str]


def parse(content: bytes) -> Header:
    """The header of a whole file.

    Raises:
        ValueError: it is no safetensors file, or not a whole one.
    """
    start = _START + _length(content)
    try:
        table = json.loads(content[_START:start], object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ValueError("its header cannot be read") from error
    if not isinstance(table, dict):
        raise ValueError("its header is no table")
    metadata = table.pop(_METADATA, {})
    if not _is_table_of_strings(metadata):
        raise ValueError("its metadata is no table of strings")
    tensors = {name: _entry(name, given, start) for name, given in table.items()}
    _check_places(tensors, start, len(content))
    return Header(tensors, metadata)


def _length(content: bytes) -> int:
    """Of the header, once the file begins as a safetensors file does."""
    if content[_START : _START + 1] != b"{":
        is_pickle = content.startswith(_PICKLES)
        raise ValueError("it is a pickle, not safetensors" if is_pickle else "it is no safetensors")
    (length,) = struct.unpack_from("<Q", content)
    if length > LONGEST:
        raise ValueError(f"its header has {length:,} bytes, and {LONGEST:,} are the most")
    return length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose keys hides another: readers differ in which of two they take."""
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands there twice")
    return table


def _is_table_of_strings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _entry(name: str, given: Any, start: int) -> Entry:
    try:
        dtype, shape = str(given["dtype"]), tuple(given["shape"])
        begin, end = given["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the tensor {name!r:.80} has no sound entry") from error
    if dtype not in SIZES:
        known = ", ".join(SIZES)
        raise ValueError(f"the tensor {name!r:.80} is of type {dtype:.20}, not one of {known}")
    whole = all(type(n) is int and n >= 0 for n in (*shape, begin, end))
    if not whole or len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"the tensor {name!r:.80} has no sound entry")
    if end - begin != math.prod(shape) * SIZES[dtype]:
        raise ValueError(f"the tensor {name!r:.80} has other than the bytes of its shape")
    return Entry(dtype, shape, start + begin, start + end)


def _check_places(tensors: Mapping[str, Entry], start: int, size: int) -> None:
    """Each tensor begins where the one before it ends, the last ends with the file."""
    end = start
    for entry in sorted(tensors.values(), key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != end:
            raise ValueError("its tensors overlap or leave gaps")
        end = entry.end
    if end > size:
        raise ValueError(f"it is cut short: {size:,} of {end:,} bytes are there")
    if end < size:
        raise ValueError(f"something follows its tensors: {size - end:,} bytes")
