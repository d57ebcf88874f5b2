"""CUFSF: drawings of the people of FERET, and FERET's photos where they lie beside."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import TERMS, Dataset, Place


def place(path: PurePath, folder: Path) -> Place | str:
    """original_sketch/00001ba010_960521.jpg and the FERET photos as photo/00001fb010_930831.tif."""
    places = [p.lower() for p in path.parts[:-1]]
    person = re.match(r"\d{5}", path.name)
    if person is None:
        return "its name does not begin with a person of five digits"
    if any("sketch" in p for p in places):
        if "cropped_sketch" in places and (folder / "original_sketch").is_dir():
            return "a smaller copy of the drawing in original_sketch"
        return Place("*", identity=person[0])
    if any("photo" in p or "feret" in p for p in places):
        return Place("*_photo", identity=person[0])
    return "no folder above it is called sketch, photo or FERET"


DATASET = Dataset("cufsf", "CUFSF", "original_sketch/*.jpg, photo/*", "sketch", TERMS, place)
