"""selfie2anime: selfies and anime faces."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import TERMS, Dataset, Place


def place(path: PurePath, _folder: Path) -> Place | str:
    """trainA (selfies), trainB (anime), testA, testB."""
    found = re.search(r"\b(train|test)([AB])\b", path.parent.as_posix())
    if found is None:
        return "it is in none of trainA, trainB, testA, testB"
    split = "train" if found[1] == "train" else "val"
    return Place("photo", split) if found[2] == "A" else Place("*", split, align="keep")


DATASET = Dataset("selfie2anime", "selfie2anime", "{train,test}{A,B}/*", "anime", TERMS, place)
