"""IIIT-CFW: caricatures of famous people, and photos of them."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import TERMS, Dataset, Place


def place(path: PurePath, _folder: Path) -> Place | str:
    """cartoonFaces/AamirKhan0001.jpg and realFaces/AamirKhan0001.jpg."""
    places = [p.lower() for p in path.parts[:-1]]
    person = re.match(r"[^\W\d_]+(?:[-_. ][^\W\d_]+)*", path.stem)
    if person is None:
        return "its name does not begin with a person's name"
    name = re.sub(r"[^a-z]", "", person[0].lower())
    if "cartoonfaces" in places:
        return Place("*", identity=name)
    if "realfaces" in places:
        return Place("*_photo", identity=name)
    return "it is in neither cartoonFaces nor realFaces"


DATASET = Dataset(
    "iiit-cfw", "IIIT-CFW", "{cartoonFaces,realFaces}/NAME0001.jpg", "caricature", TERMS, place
)
