"""Work that is kept: finished pieces of a clip in a hidden folder beside it.

A piece is a file that players show; `state.safetensors`, written after it, says how many pieces are
finished and what was known then. A run that was killed goes on after the last of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hasnet_models.atomic import replacing

SECONDS = 4.0  # of film in a piece
_STATE = "state.safetensors"


@dataclass(frozen=True, eq=False)
class Kept:
    """What the last finished piece left.

    Attributes:
        pieces: how many are finished.
        facts: numbers and texts, as they were given to `Segments.keep`.
        arrays: likewise.
    """

    pieces: int
    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray]


@dataclass(frozen=True)
class Segments:
    """The hidden folder of an output.

    Attributes:
        folder: beside the output.
        suffix: of the pieces.
    """

    folder: Path
    suffix: str

    @classmethod
    def beside(cls, out: Path, suffix: str) -> Segments:
        """Of the output `out`; nothing is made yet."""
        return cls(out.with_name(f".{out.name}.hasnet"), suffix)

    def file(self, number: int) -> Path:
        """The piece of that number, from 0."""
        return self.folder / f"{number:05d}{self.suffix}"

    def kept(self) -> Kept | None:
        """What an earlier run left; None where that is nothing of use."""
        try:
            with safe_open(self.folder / _STATE, "np") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                facts = json.loads(file.metadata()["facts"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None
        pieces = facts.get("pieces", 0)
        if not all(self.file(number).is_file() for number in range(pieces)):
            return None
        return Kept(pieces, facts, arrays)

    def begin(self) -> None:
        """Make the folder, empty.

        Raises:
            OSError: it cannot be made.
        """
        self.clear()
        self.folder.mkdir()

    def keep(self, pieces: int, facts: Mapping[str, Any], arrays: Mapping[str, NDArray]) -> None:
        """Say that so many pieces are finished, and what is known now.

        Raises:
            OSError: it cannot be written.
        """
        whole = json.dumps({**facts, "pieces": pieces})
        with replacing(self.folder / _STATE) as file:
            file.write(save(dict(arrays), {"facts": whole}))

    def clear(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
