"""The header of a reference file, read without numpy; `reference` reads and writes the whole file.

A safetensors file begins with the length of its header in 8 bytes, then a JSON object; ours has
one metadata entry, named `REFERENCES`.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

from hasnet_models.errors import DomainError

REFERENCES = "hasnet-references-1"
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
        return tuple(str(n) for n in json.loads(header["__metadata__"][REFERENCES])["names"])
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise DomainError(f"The reference file {path} cannot be used: {error}.") from error
