"""Faces beside their pixels: where the parts of those lie that the mesh cannot find.

``FOLDER/parts.json`` (or a file that is named) maps the index's file names to boxes of the face's
parts, see :func:`hasnet_models.topology.anime.points_from_boxes`. Its key ``reframe`` lists the
domains whose crops lie as animations' do, with the eyes too high for the FFHQ template: they are
brought to it when they are decoded, and their parts with them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models.data.index import FaceRecord
from hasnet_models.errors import UsageError
from hasnet_models.face.align import warp
from hasnet_models.face.mesh import POINTS
from hasnet_models.topology.anime import frame_matrix, framed, points_from_boxes

PARTS = "parts.json"
REFRAME = "reframe"
# of points out of boxes: enough for a mesh, not for a shape of the face's own
BOX_SCORE = 0.9


@dataclasses.dataclass(frozen=True)
class FaceParts:
    """The parts of a folder's faces.

    Attributes:
        boxes: by file.
        reframed: the domains that are brought to the template.
        covered: the domains of which some face has boxes; the mesh is not asked there.
    """

    boxes: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    reframed: frozenset[str] = frozenset()
    covered: frozenset[str] = frozenset()

    def key(self, record: FaceRecord, content: str) -> str:
        """What caches know a face by: its content hash, and what is known beside it."""
        if not self.concerns(record):
            return content
        known = (content, record.domain in self.reframed, self.boxes.get(record.file))
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:24]

    def concerns(self, record: FaceRecord) -> bool:
        """Whether the face is another than its pixels alone say."""
        return record.domain in self.reframed | self.covered

    def picture(self, record: FaceRecord, rgb: np.ndarray) -> np.ndarray:
        """The square picture uint8 (S, S, 3) where the template has it."""
        side = len(rgb)
        return warp(rgb, frame_matrix(side), side) if record.domain in self.reframed else rgb

    def mesh(self, record: FaceRecord) -> np.ndarray:
        """float32 (469, 3) as :func:`packed`; NaN where the mesh has to be looked for."""
        if record.domain not in self.covered:
            return np.full((POINTS + 1, 3), np.nan, np.float32)
        boxes = self.boxes.get(record.file)
        if boxes is None:
            return packed(np.zeros((POINTS, 3), np.float32), 0.0)
        points = points_from_boxes(boxes)
        return packed(framed(points) if record.domain in self.reframed else points, BOX_SCORE)


def packed(points: np.ndarray, score: float) -> np.ndarray:
    """A mesh (468, 3) and its score as one array: float32 (469, 3), (score, 0, 0) comes last."""
    return np.vstack([points, (score, 0, 0)]).astype(np.float32)


def unpacked(mesh: np.ndarray) -> tuple[np.ndarray, float]:
    """Points float32 (468, 3) and score of what :func:`packed` gave."""
    return mesh[:-1], float(mesh[-1, 0])


def find_parts(source: Path, named: Path | None, records: Iterable[FaceRecord]) -> FaceParts:
    """The parts file that was named, or the one that lies in the folder; else nothing is known.

    Args:
        records: faces whose boxes are wanted; their domains are those that are covered.

    Raises:
        UsageError: the file was named and is not there, it is damaged, or a face's boxes are.
    """
    path = named or source / PARTS
    if not named and not path.is_file():
        return FaceParts()
    table = _read(path)
    reframed = table.pop(REFRAME, [])
    if not isinstance(reframed, list) or not all(isinstance(d, str) for d in reframed):
        raise UsageError(f"The parts file {path} is damaged: {REFRAME} must be a list of domains.")
    found = {r.file: r.domain for r in records if r.file in table}
    boxes = {file: table[file] for file in found}
    for file, parts in boxes.items():
        _require_boxes(path, file, parts)
    return FaceParts(boxes, frozenset(reframed), frozenset(found.values()))


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"The parts file {path} cannot be read: {reason}.", parameters=("parts",)
        ) from error
    except ValueError as error:
        raise UsageError(f"The parts file {path} is damaged: {error}.") from error
    if not isinstance(table, dict):
        raise UsageError(f"The parts file {path} is damaged: it must be one object of files.")
    return table


def _require_boxes(path: Path, file: str, parts: Any) -> None:
    try:
        if not isinstance(parts, dict):
            raise ValueError("its parts must be an object")
        points_from_boxes(parts)
    except (ValueError, TypeError, IndexError) as error:
        raise UsageError(f"The parts file {path} is damaged at {file}: {error}.") from error
