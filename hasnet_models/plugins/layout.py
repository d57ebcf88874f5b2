"""What the safetensors files of a plugin may hold: how much, which tensors, of which shapes.

A file format stands for itself, so its numbers stand here, although the networks have theirs too (a
test keeps both equal); a file is checked without numpy, so that `hasnet domains` is quick.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hasnet_models.plugins.header import Entry, Header, parse

PALETTE_SHAPE = (20, 3)  # colours
SHARES_SHAPE = (20, 6)  # colours, zones
SHAPE_SHAPE = (468, 3)  # points of the face mesh
APPEARANCE_SHAPE = (48, 48, 3)
MOST = 2048  # references, and numbers of a z_id
VERSIONS = ("hasnet-references-1", "hasnet-references-2")  # names of the metadata entry
_LONGEST_TEXT = 1000
# Of a little-endian number the last byte has these bits all set only where it is infinite, no
# number, or (float32) 1.7e38 and more, which is no weight either.
_ENDLESS = {"F16": 0x7C, "F32": 0x7F}


@dataclass(frozen=True)
class Form:
    """A tensor's type and shape; None stands for a dimension of 1 to 2048, written 1..2048."""

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sides = ", ".join(f"1..{MOST}" if side is None else str(side) for side in self.shape)
        return f"{self.dtype} ({sides})"

    def fits(self, entry: Entry) -> bool:
        """Whether a tensor is of this type and shape."""
        return (
            entry.dtype == self.dtype
            and len(entry.shape) == len(self.shape)
            and all(
                0 < there <= MOST if side is None else there == side
                for side, there in zip(self.shape, entry.shape, strict=True)
            )
        )


@dataclass(frozen=True)
class Layout:
    """What one kind of file may hold.

    Args:
        largest: bytes of the whole file.
        tensors: the most of them.
        forms: the tensors by name, where only these may be there; empty for any floating ones.
    """

    largest: int
    tensors: int
    forms: Mapping[str, Form] = field(default_factory=dict)

    def check(self, content: bytes) -> Header:
        """The header of a file, once all of it was found to be as it may be.

        Raises:
            ValueError: it is not, in words that follow "it cannot be used:".
        """
        header = parse(content)
        if len(header.tensors) > self.tensors:
            raise ValueError(f"it has {len(header.tensors):,} tensors, {self.tensors:,} at most")
        for name, entry in header.tensors.items():
            self._check_form(name, entry)
            if not _is_finite(content[entry.begin : entry.end], entry.dtype):
                raise ValueError(f"the tensor {name!r:.80} has NaN or infinite values")
        return header

    def _check_form(self, name: str, entry: Entry) -> None:
        if not self.forms:
            if entry.dtype not in _ENDLESS:
                raise ValueError(f"the tensor {name!r:.80} is {entry.dtype}, not F16 or F32")
            return
        form = self.forms.get(name)
        if form is None:
            raise ValueError(f"it has no place for a tensor {name!r:.80}")
        if not form.fits(entry):
            raise ValueError(f"its tensor {name} is {entry}, not {form}")


REFERENCES = Layout(
    largest=32 << 20,  # 36 references take 0.4 MB
    tensors=7,
    forms={
        "palette": Form("U8", (None, *PALETTE_SHAPE)),
        "z_id": Form("F16", (None, None)),
        "shares": Form("F16", (None, *SHARES_SHAPE)),
        "shape": Form("F16", (None, *SHAPE_SHAPE)),
        "appearance": Form("U8", (None, *APPEARANCE_SHAPE)),
        "domain_shape": Form("F16", SHAPE_SHAPE),
        "domain_appearance": Form("U8", APPEARANCE_SHAPE),
    },
)
HEAD = Layout(largest=256 << 20, tensors=4096)  # a head of all of `lite` has 2.6 MB, 86 tensors


def about_references(header: Header) -> dict[str, Any]:
    """What a reference file says of its references, its names checked.

    Raises:
        ValueError: there is no such entry, or its names are not one for each palette, printable
            and all different.
    """
    about = _entry_of(header.metadata)
    names = about.get("names")
    if not isinstance(names, list) or not all(map(is_text, names)):
        raise ValueError("its names are no list of printable strings")
    if "palette" not in header.tensors or len(names) != header.tensors["palette"].shape[0]:
        raise ValueError("it does not have one palette for each of its names")
    if len(set(names)) < len(names):
        raise ValueError("two of its references have one name")
    return about


def is_text(value: object) -> bool:
    """Whether it is a string that a terminal shows as it is, of one line and at most 1000 signs."""
    return isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST_TEXT


def _entry_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    found = next((metadata[name] for name in VERSIONS if name in metadata), None)
    if found is None:
        raise ValueError(f"it has no entry {VERSIONS[-1]}")
    try:
        about = json.loads(found)
    except RecursionError as error:
        raise ValueError(f"its entry {VERSIONS[-1]} cannot be read") from error
    if not isinstance(about, dict):
        raise ValueError(f"its entry {VERSIONS[-1]} is no table")
    return about


def _is_finite(data: bytes, dtype: str) -> bool:
    mask = _ENDLESS.get(dtype)
    if mask is None:
        return True
    size = 2 if dtype == "F16" else 4
    finite = bytes(byte for byte in range(256) if byte & mask != mask)
    return not data[size - 1 :: size].translate(None, finite)
