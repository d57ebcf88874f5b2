"""What weight files hold, as numpy arrays: the one way in for every runtime."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from hasnet_models.errors import WeightsError
from hasnet_models.weights.digests import sha256_of
from hasnet_models.weights.files import weight_path
from hasnet_models.weights.half import as_float32

State = dict[str, np.ndarray]


def read_state(
    path: Path | str, names: Container[str] | None = None
) -> tuple[State, dict[str, str]]:
    """Read a safetensors file, which is mapped into memory for that.

    Args:
        names: of the arrays that are wanted; None for all.

    Returns:
        Arrays by name (floating ones as float32) and the file's metadata.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            wanted = [n for n in file.keys() if names is None or n in names]  # noqa: SIM118
            arrays = {name: file.get_tensor(name) for name in wanted}
            metadata = dict(file.metadata() or {})
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise WeightsError(f"Cannot read the weights in {path}: {error}.") from error
    return {
        name: as_float32(array) if array.dtype.kind == "f" else array
        for name, array in arrays.items()
    }, metadata


def read_metadata(name: str) -> dict[str, str]:
    """The metadata of a weight file of the weights folder, which is checked for that.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    path = weight_path(name)
    try:
        with safe_open(str(path), framework="np") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"Cannot read the weights in {path}: {error}.") from error


def tt_state(path: Path | None = None, head: Path | None = None) -> tuple[State, dict[str, str]]:
    """The embedded TT-Net's arrays, or those in ``path``, and their metadata.

    Args:
        head: file of a domain's arrays, which take the place of the base's of the same names.

    Raises:
        WeightsError: a file is missing or damaged, or the head is another network's.
    """
    base = path or weight_path("tt_net.safetensors")
    state, metadata = read_state(base)
    return (state if head is None else _with_head(state, metadata, head, base)), metadata


def _with_head(state: State, metadata: dict[str, str], head: Path, base: Path) -> State:
    """The base's arrays with the head's in their place."""
    own, own_metadata = read_state(head)
    same_network = own_metadata.get("config", metadata.get("config")) == metadata.get("config")
    # a head of all arrays needs nothing of the base, a smaller one the very base it grew on
    needed = own_metadata.get("base") if state.keys() - own.keys() else None
    if not same_network or (needed and needed != sha256_of(base)):
        raise WeightsError(
            f"The head {head} was made for another TT-Net than the one installed.",
            "Install the versions of hasnet and of the domain that belong together.",
        )
    return {**state, **own}


def check_fit(
    wanted: Mapping[str, tuple[int, ...]], state: Mapping[str, Any], what: str
) -> None:
    """Say in one sentence how a state and what a network needs differ.

    Args:
        wanted: shape of each array by name.
        state: arrays or tensors by name.

    Raises:
        WeightsError: some are missing, unexpected or of another shape.
    """
    problems = {
        "missing": [name for name in wanted if name not in state],
        "unexpected": [name for name in state if name not in wanted],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} instead of {tuple(shape)}"
            for name, shape in wanted.items()
            if name in state and tuple(state[name].shape) != tuple(shape)
        ],
    }
    if found := [f"{kind}: {_first(names)}" for kind, names in problems.items() if names]:
        raise WeightsError(f"The weights of {what} do not fit the network ({'; '.join(found)}).")


def _first(names: list[str], limit: int = 3) -> str:
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")
