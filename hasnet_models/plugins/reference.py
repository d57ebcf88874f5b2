"""A reference: the few numbers the networks take from a picture of another visual world.

It is the same record whether it comes from a picture, from a domain plugin or from a file: the
palette (what RT-Net paints with), the identity vector z_id (what TT-Net shapes with) and a name,
and where they are known the shares (where on the face each colour is), the face's own shape and its
appearance map. No picture is kept; the map is a face of 48 x 48 blurred colours.

A reference file is one safetensors file: `palette` uint8 (N, 20, 3), `z_id` float16 (N, D), and
those of `OPTIONAL` of the references that have them, each for one reference after the other. It may
hold the same of the domain as a whole, `domain_shape` and `domain_appearance`. One metadata entry,
`hasnet-references-2`, is a JSON object of `z_id_model` and the lists `names`, `licences`, `sources`
and, for each tensor of `OPTIONAL`, the numbers (from 0) of the references it is of. One entry,
because safetensors writes several in an arbitrary order, and the same references are to give the
same file. Files of the first version, `hasnet-references-1`, lack all that is optional.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hasnet_models.atomic import write_whole
from hasnet_models.errors import DomainError
from hasnet_models.plugins.data_file import DataFile
from hasnet_models.plugins.layout import (
    APPEARANCE_SHAPE,
    PALETTE_SHAPE,
    REFERENCES,
    SHAPE_SHAPE,
    SHARES_SHAPE,
    VERSIONS,
    about_references,
)
from hasnet_models.topology.appearance import spread

# The optional arrays of a reference: type in memory, type in the file, shape.
OPTIONAL = {
    "shares": (np.float32, np.float16, SHARES_SHAPE),
    "shape": (np.float32, np.float16, SHAPE_SHAPE),
    "appearance": (np.uint8, np.uint8, APPEARANCE_SHAPE),
}
Z_ID_MODEL = "mobilefacenet"
_DOMAIN = "domain_"
_UNIT_TOLERANCE = 1e-3
_SHARE_TOLERANCE = 1e-2
_FARTHEST = 1.0  # that a point of a shape may lie from the mean face's, in frames


@dataclass(frozen=True, eq=False)
class Reference:
    """What is known of a reference picture.

    Args:
        name: what the user calls it by.
        palette: uint8 (20, 3), from `hasnet_models.palette.extract`.
        z_id: float32 (D,), unit length.
        z_id_model: the network that made z_id; vectors of different networks do not compare.
        licence: the terms its source picture came under.
        source: where the picture came from.
        shares: float32 (20, 6), of each zone of its face the share of each colour, columns summing
            to 1 (`topology.zones.shares`); None where nothing is known.
        shape: float32 (468, 3), its face's own shape (`topology.shape.face_shape`), or None.
        appearance: uint8 (48, 48, 3), where on its face its colours lie
            (`topology.appearance.appearance_map`), or None.

    Raises:
        ValueError: an array of another shape, type or length, or with values out of range.
    """

    name: str
    palette: np.ndarray
    z_id: np.ndarray
    z_id_model: str = Z_ID_MODEL
    licence: str = ""
    source: str = ""
    shares: np.ndarray | None = None
    shape: np.ndarray | None = None
    appearance: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.palette.shape != PALETTE_SHAPE or self.palette.dtype != np.uint8:
            raise ValueError(f"a palette is uint8 {PALETTE_SHAPE}, not {_kind(self.palette)}")
        if self.z_id.ndim != 1 or self.z_id.dtype != np.float32:
            raise ValueError(f"a z_id is float32 (D,), not {_kind(self.z_id)}")
        length = float(np.linalg.norm(self.z_id))
        if not abs(length - 1) < _UNIT_TOLERANCE:
            raise ValueError(f"a z_id has length 1, not {length:.4g}")
        for name in OPTIONAL:
            check_optional(name, getattr(self, name))


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """What a reference file holds: the references, at least one, and the domain's own numbers.

    Args:
        shape: float32 (468, 3), the domain's (`topology.shape.domain_shape`), or None.
        appearance: uint8 (48, 48, 3), its mean map (`topology.appearance.mean_map`), or None.

    Raises:
        ValueError: an array of another shape or type.
    """

    references: tuple[Reference, ...]
    shape: np.ndarray | None = None
    appearance: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("shape", "appearance"):
            check_optional(name, getattr(self, name))

    @cached_property
    def appearance_spread(self) -> np.ndarray | None:
        """float32 (48, 48), `topology.appearance.spread` of the references' maps, or None."""
        maps = [one.appearance for one in self.references if one.appearance is not None]
        return None if self.appearance is None or not maps else spread(maps, self.appearance)


def check_optional(name: str, array: np.ndarray | None) -> None:
    """Raises ValueError unless it is None or what `OPTIONAL` says, with values that make sense."""
    if array is None:
        return
    kind, _, shape = OPTIONAL[name]
    if array.dtype != kind or array.shape != shape:
        raise ValueError(f"{name} is {np.dtype(kind)} {shape}, not {_kind(array)}")
    if name == "shape" and not np.abs(array).max() <= _FARTHEST:
        raise ValueError("a shape lies within one frame of the mean face")
    if name == "shares" and not _are_shares(array):
        raise ValueError("each column of shares is 0 or more and sums to 1")


def _are_shares(array: np.ndarray) -> bool:
    sums = array.sum(axis=0)
    return bool(np.all(array >= 0) and np.all(np.abs(sums - 1) < _SHARE_TOLERANCE))


def likest(references: Sequence[Reference], z_id: np.ndarray) -> Reference:
    """The reference whose z_id has the largest cosine with `z_id`, the first of equal ones."""
    return references[int(np.argmax([reference.z_id @ z_id for reference in references]))]


def save_references(
    path: str | Path,
    references: Sequence[Reference],
    shape: np.ndarray | None = None,
    appearance: np.ndarray | None = None,
) -> None:
    """Write references, and what the domain has as a whole, to one file, whole or not at all.

    Args:
        shape, appearance: the domain's, as those of a `ReferenceSet`.

    Raises:
        DomainError: it cannot be written.
        ValueError: none given, a name used twice, z_ids of different networks, or an array of
            another shape or type.
    """
    names = [reference.name for reference in references]
    models = {reference.z_id_model for reference in references}
    if not references or len(set(names)) < len(names) or len(models) != 1:
        raise ValueError("references need distinct names and one z_id network")
    whole = ReferenceSet(tuple(references), shape, appearance)
    about = {
        "z_id_model": models.pop(),
        "names": names,
        "licences": [reference.licence for reference in references],
        "sources": [reference.source for reference in references],
        **{name: _having(references, name) for name in OPTIONAL},
    }
    data = save(_tensors(whole), {VERSIONS[-1]: json.dumps(about)})
    write_whole(Path(path), data, DomainError)


def _having(references: Sequence[Reference], name: str) -> list[int]:
    """The numbers of those that have an optional array."""
    return [i for i, reference in enumerate(references) if getattr(reference, name) is not None]


def _tensors(whole: ReferenceSet) -> dict[str, np.ndarray]:
    references = whole.references
    tensors = {
        "palette": np.stack([reference.palette for reference in references]),
        "z_id": np.stack([reference.z_id for reference in references]).astype(np.float16),
    }
    for name, (_, stored, _) in OPTIONAL.items():
        arrays = [getattr(references[i], name) for i in _having(references, name)]
        if arrays:
            tensors[name] = np.stack(arrays).astype(stored)
    for name in ("shape", "appearance"):
        if (array := getattr(whole, name)) is not None:
            tensors[_DOMAIN + name] = array.astype(OPTIONAL[name][1])
    return tensors


def load_references(file: str | Path | DataFile) -> tuple[Reference, ...]:
    """As `load_reference_set`, the references alone."""
    return load_reference_set(file).references


def load_reference_set(file: str | Path | DataFile) -> ReferenceSet:
    """Read a reference file of either version; z_ids are float32 of unit length again.

    Args:
        file: of a plugin, or any by its path.

    Raises:
        DomainError: the file is missing, damaged or not a reference file.
    """
    file = file if isinstance(file, DataFile) else DataFile(Path(file))
    content = file.content(REFERENCES.largest)
    with file.explained():
        about = about_references(REFERENCES.check(content))
        tensors = _loaded(content)
        domain = {
            name: tensors[_DOMAIN + name].astype(OPTIONAL[name][0])
            for name in ("shape", "appearance")
            if _DOMAIN + name in tensors
        }
        return ReferenceSet(_references(about, tensors.__getitem__), **domain)


def _loaded(content: bytes) -> dict[str, np.ndarray]:
    try:
        return load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _references(
    about: Mapping[str, Any], get_tensor: Callable[[str], np.ndarray]
) -> tuple[Reference, ...]:
    z_ids = get_tensor("z_id").astype(np.float32)
    lengths = np.linalg.norm(z_ids, axis=1, keepdims=True)
    columns = (about[key] for key in ("names", "licences", "sources"))
    palettes = get_tensor("palette")
    rows = list(zip(*columns, palettes, z_ids / np.where(lengths > 0, lengths, 1), strict=True))
    optional = _optional(about, get_tensor, len(rows))
    return tuple(
        Reference(name, palette, z_id, about["z_id_model"], licence, source, **more)
        for (name, licence, source, palette, z_id), more in zip(rows, optional, strict=True)
    )


def _optional(
    about: Mapping[str, Any], get_tensor: Callable[[str], np.ndarray], count: int
) -> list[dict[str, np.ndarray]]:
    """What each of `count` references has besides."""
    found: list[dict[str, np.ndarray]] = [{} for _ in range(count)]
    for name, (kind, _, _) in OPTIONAL.items():
        owners = about.get(name, [])
        if not set(owners) <= set(range(count)) or len(set(owners)) < len(owners):
            raise ValueError(f"its '{name}' are not of references that are there")
        rows = get_tensor(name).astype(kind) if owners else []
        for owner, row in zip(owners, rows, strict=True):
            found[owner][name] = row
    return found


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
