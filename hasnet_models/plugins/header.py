"""The header of a reference file, read without numpy; `reference` reads and writes the whole file.

A safetensors file begins with the length of its header in 8 bytes, then a JSON object; ours has
one metadata entry, named after the file's version.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hasnet_models.errors import DomainError

REFERENCES = ("hasnet-references-1", "hasnet-references-2")
_LONGEST_HEADER = 1 << 24


def read_names(path: Path) -> tuple[str, ...]:
    """The names of a file's references.

    Raises:
        DomainError: it cannot be read as a reference file.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
        return tuple(str(name) for name in entry_of(header["__metadata__"])["names"])
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise DomainError(f"The reference file {path} cannot be used: {error}.") from error


def entry_of(metadata: Mapping[str, str]) -> Mapping[str, Any]:
    """What a file says of its references, of whichever version.

    Raises:
        ValueError: it has no such entry, or one that is no JSON.
    """
    for name in REFERENCES:
        if name in metadata:
            return json.loads(metadata[name])
    raise ValueError(f"it has no entry {REFERENCES[-1]}")
