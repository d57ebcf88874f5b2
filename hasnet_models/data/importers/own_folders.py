"""Pictures of one's own, in folders that are called like their domains."""

from __future__ import annotations

from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import Dataset, Place


def place(path: PurePath, _folder: Path) -> Place | str:
    """<domain>/picture.jpg, or pictures side by side whose domain the user names."""
    return Place(path.parts[0] if len(path.parts) > 1 else "*")


DATASET = Dataset(
    "folder", "own pictures", "DOMAIN/*.jpg, or *.jpg of a domain that is named", "", "", place
)
