"""CASIA NIR-VIS 2.0: near-infrared faces, and photos of the same people."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from hasnet_models.data.importers.dataset import TERMS, Dataset, Place


def place(path: PurePath, _folder: Path) -> Place | str:
    """s1/NIR/00001/001.bmp, or NIR/s1_NIR_00001_001.jpg."""
    words = re.split(r"[/\\_.\s-]+", path.as_posix())
    light = next((w.upper() for w in words if w.upper() in ("NIR", "VIS")), None)
    person = next((w for w in words if re.fullmatch(r"\d{5}", w)), None)
    if light is None or person is None:
        return "neither its folders nor its name say NIR or VIS and a person of five digits"
    return Place("*" if light == "NIR" else "*_photo", identity=person)


DATASET = Dataset(
    "casia-nir-vis-2", "CASIA NIR-VIS 2.0", "s1..s4/{NIR,VIS}/PERSON/*.bmp", "nir", TERMS, place
)
