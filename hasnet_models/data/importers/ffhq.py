"""FFHQ: aligned photos."""

from __future__ import annotations

from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import Dataset, Place

_VALIDATION = 60_000


def place(path: PurePath, _folder: Path) -> Place | str:
    """images1024x1024/00000/00000.png (or thumbnails128x128); 60000 and up are for validation."""
    if any("in-the-wild" in p for p in path.parts):
        return "an original; its aligned face is in images1024x1024"
    number = int(path.stem) if path.stem.isdecimal() else 0
    return Place(split="val" if number >= _VALIDATION else "train", align="keep")


DATASET = Dataset(
    "ffhq",
    "FFHQ",
    "images1024x1024/00000/*.png",
    "photo",
    "each photo its own (ffhq-dataset-v2.json), the set CC BY-NC-SA 4.0",
    place,
)
