"""The graphs of the package and their index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "graphs"
INDEX = "index.json"


@dataclass(frozen=True)
class Graph:
    """One of them.

    Attributes:
        weights: shape of each array that its networks have, by name ("tt.content.bias").
        bound: those that the graph needs; a network trained up to 64 px has more.
    """

    data: bytes
    weights: dict[str, tuple[int, ...]]
    bound: tuple[str, ...]


@lru_cache(maxsize=1)
def index() -> dict[str, Any]:
    """Opset, configurations, and for each graph sha256 and weights."""
    return json.loads((FOLDER / INDEX).read_text(encoding="utf-8"))


def read_graph(name: str) -> Graph:
    """The graph of an operation of `contract.OPERATIONS`."""
    entry = index()["graphs"][name]
    shapes = {one: tuple(map(int, text.split())) for one, text in entry["weights"].items()}
    return Graph((FOLDER / f"{name}.onnx").read_bytes(), shapes, tuple(entry["bound"]))


def is_for(metadata: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the graphs are those of weights with these metadata.

    Args:
        metadata: of the weight files of "rt", "tt" and "vgg".
    """
    known = index()["configurations"]
    try:
        # what a file leaves out has its default, as in the index
        given = {n: {**known[n], **json.loads(metadata[n]["config"])} for n in ("rt", "tt")}
    except (KeyError, ValueError, TypeError):
        return False
    same_vgg = all(metadata["vgg"].get(key) == value for key, value in known["vgg"].items())
    return same_vgg and all(config == known[n] for n, config in given.items())
