"""MetFaces: aligned faces out of paintings of The Met."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import Dataset, Place


def place(path: PurePath, folder: Path) -> Place | str:
    """images/10003-00.png beside metfaces.json; unprocessed/ holds the whole paintings."""
    if "unprocessed" in path.parts:
        return "a whole painting; its face is in images"
    if "images" not in path.parts and (folder / "images").is_dir():
        return "it is not in images"
    return Place(align="keep")


def sources(folder: Path) -> Mapping[str, str]:
    """Where each face comes from, by file stem, out of metfaces.json."""
    try:
        entries = json.loads((folder / "metfaces.json").read_text(encoding="utf-8"))
        return {
            f"{e['obj_id']}-{int(e['face_idx']):02d}": str(e.get("source_url") or e["meta_url"])
            for e in entries
            if e.get("source_url") or e.get("meta_url")
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


DATASET = Dataset(
    "metfaces",
    "MetFaces",
    "images/*.png, metfaces.json",
    "oil",
    "set CC BY-NC 2.0 (NVIDIA), pictures of The Met",
    place,
    sources,
)
