"""A reference: the few numbers the networks take from a picture of another visual world.

It is the same record whether it comes from a picture, from a domain plugin or from a file: the
palette (what RT-Net paints with), the identity vector z_id (what TT-Net shapes with) and a name.
No pixels are kept.

A reference file is one safetensors file: `palette` uint8 (N, 20, 3), `z_id` float16 (N, D), and one
metadata entry `hasnet-references-1`, a JSON object of `z_id_model` and the lists `names`,
`licences` and `sources`. One entry, because safetensors writes several in an arbitrary order, and
the same references are to give the same file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hasnet_models.atomic import replacing
from hasnet_models.errors import DomainError
from hasnet_models.palette import COLOURS
from hasnet_models.plugins.header import REFERENCES

PALETTE_SHAPE = (COLOURS, 3)
Z_ID_MODEL = "mobilefacenet"
_UNIT_TOLERANCE = 1e-3


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

    Raises:
        ValueError: an array of another shape, type or length.
    """

    name: str
    palette: np.ndarray
    z_id: np.ndarray
    z_id_model: str = Z_ID_MODEL
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.palette.shape != PALETTE_SHAPE or self.palette.dtype != np.uint8:
            raise ValueError(f"a palette is uint8 {PALETTE_SHAPE}, not {_kind(self.palette)}")
        if self.z_id.ndim != 1 or self.z_id.dtype != np.float32:
            raise ValueError(f"a z_id is float32 (D,), not {_kind(self.z_id)}")
        length = float(np.linalg.norm(self.z_id))
        if not abs(length - 1) < _UNIT_TOLERANCE:
            raise ValueError(f"a z_id has length 1, not {length:.4g}")


def likest(references: Sequence[Reference], z_id: np.ndarray) -> Reference:
    """The reference whose z_id has the largest cosine with `z_id`, the first of equal ones."""
    return references[int(np.argmax([reference.z_id @ z_id for reference in references]))]


def save_references(path: str | Path, references: Sequence[Reference]) -> None:
    """Write references to one file, whole or not at all.

    Raises:
        DomainError: it cannot be written.
        ValueError: none given, a name used twice, or z_ids of different networks.
    """
    names = [reference.name for reference in references]
    models = {reference.z_id_model for reference in references}
    if not references or len(set(names)) < len(names) or len(models) != 1:
        raise ValueError("references need distinct names and one z_id network")
    tensors = {
        "palette": np.stack([reference.palette for reference in references]),
        "z_id": np.stack([reference.z_id for reference in references]).astype(np.float16),
    }
    about = {
        "z_id_model": models.pop(),
        "names": names,
        "licences": [reference.licence for reference in references],
        "sources": [reference.source for reference in references],
    }
    data = save(tensors, {REFERENCES: json.dumps(about)})
    try:
        with replacing(Path(path)) as file:
            file.write(data)
    except OSError as error:
        raise DomainError(f"{path} cannot be written: {error.strerror}.") from error


def load_references(path: str | Path) -> tuple[Reference, ...]:
    """Read a reference file; z_ids are float32 of unit length again.

    Raises:
        DomainError: the file is missing, damaged or not a reference file.
    """
    try:
        with safe_open(str(path), "np") as file:
            return _references(file.metadata() or {}, file.get_tensor)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DomainError(f"The reference file {path} cannot be used: {error}.") from error


def _references(
    metadata: Mapping[str, str], get_tensor: Callable[[str], np.ndarray]
) -> tuple[Reference, ...]:
    if REFERENCES not in metadata:
        raise ValueError(f"it has no entry {REFERENCES}")
    about = json.loads(metadata[REFERENCES])
    z_ids = get_tensor("z_id").astype(np.float32)
    lengths = np.linalg.norm(z_ids, axis=1, keepdims=True)
    columns = (about[key] for key in ("names", "licences", "sources"))
    palettes = get_tensor("palette")
    rows = zip(*columns, palettes, z_ids / np.where(lengths > 0, lengths, 1), strict=True)
    return tuple(
        Reference(name, palette, z_id, about["z_id_model"], licence, source)
        for name, licence, source, palette, z_id in rows
    )


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
