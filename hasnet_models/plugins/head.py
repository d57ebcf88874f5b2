"""A domain's TT-Net head, checked without torch before it is loaded."""

from __future__ import annotations

from pathlib import Path

from hasnet_models.errors import WeightsError
from hasnet_models.plugins.data_file import DataFile
from hasnet_models.plugins.header import Header, parse
from hasnet_models.plugins.layout import HEAD
from hasnet_models.weights.files import weight_path

BASE = "tt_net.safetensors"
_CONFIG = "config"


def checked_head(file: DataFile) -> Path:
    """The path of a head whose tensors are finite and have the base network's shapes.

    Whether it was made for the very base that is installed is checked when it is loaded
    (`weights.load.load_tt`), as is all of it where it was made for a network of another kind.

    Raises:
        DomainError: the file is missing or damaged, or a tensor does not fit.
    """
    content = file.content(HEAD.largest)
    with file.explained():
        header = HEAD.check(content)
        base = _base()
        if base and header.metadata.get(_CONFIG) in (None, base.metadata.get(_CONFIG)):
            _check_fits(header, base)
    return file.path


def _base() -> Header | None:
    """Of the installed TT-Net; None where it is damaged, which is said when it is loaded."""
    try:
        return parse(weight_path(BASE).read_bytes())
    except (WeightsError, OSError, ValueError):
        return None


def _check_fits(head: Header, base: Header) -> None:
    for name, entry in head.tensors.items():
        if name not in base.tensors:
            raise ValueError(f"TT-Net has no tensor {name!r:.80}")
        if entry.shape != base.tensors[name].shape:
            raise ValueError(f"its tensor {name} is {entry}, not {base.tensors[name].shape}")
