"""One photo of a batch, before (Item) and after (Result)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

SCHEMA = 1
NEW = "new"  # not yet worked on
DONE = "done"
FAILED = "failed"
SKIPPED = "skipped"


@dataclass(frozen=True)
class Item:
    """One photo of a batch.

    Attributes:
        key: its path inside the input folder, with forward slashes.
        folder: the input folder, as the record names it.
        fault: why it cannot be read, where that is known from the start; it fails with that.
    """

    source: Path
    target: Path
    key: str
    folder: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a photo: one line of results.jsonl.

    Attributes:
        input: the item's key.
        status: "done" or "failed" in the file; "skipped" stands for "done" by an earlier run.
        output: the file written, the first of several; None where there is none.
        outputs: sha256 of each file written, by its path below the output folder.
        error: one sentence, or None.
        reference: the name of the reference, of the first of several faces.
        notes: such as "2 faces found, took the largest."
        faces: how many were drawn.
        seconds: of work, waiting left out.
        input_sha256: of the photo's bytes; empty where it could not be read.
        parameters, weights: see `avatar.fingerprint`.
        seed: of a random choice of references, else None.
        folder: where the photo came from; empty in records of older versions.
    """

    input: str
    status: str
    output: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    domain: str | None = None
    reference: str | None = None
    notes: tuple[str, ...] = ()
    faces: int = 0
    seconds: float = 0.0
    input_sha256: str = ""
    parameters: str = ""
    weights: str = ""
    seed: int | None = None
    folder: str = ""
    schema: int = SCHEMA

    def line(self) -> str:
        """As JSON, without the line end."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Result | None:
        """The result of a line; None where it is torn, or of another schema."""
        try:
            found = json.loads(line)
            if found["schema"] != SCHEMA:
                return None
            known = {f.name: found[f.name] for f in fields(cls) if f.name in found}
            return cls(**known | {"notes": tuple(known.get("notes", ()))})
        except (ValueError, KeyError, TypeError):
            return None
