"""Toonify: aligned cartoon faces, any folder of them."""

from __future__ import annotations

from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import TERMS, Dataset, Place


def place(_path: PurePath, _folder: Path) -> Place | str:
    """Any picture."""
    return Place(align="keep")


DATASET = Dataset("toonify", "Toonify", "*.jpg", "cartoon3d", TERMS, place)
