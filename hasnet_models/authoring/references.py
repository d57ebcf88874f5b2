"""A domain's references out of a folder of aligned faces: no picture is kept, only vectors."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models import image_io, palette
from hasnet_models.authoring.balance import choose_evenly, lightness_of_face
from hasnet_models.authoring.selection import COUNT, Candidate, choose, spread_out
from hasnet_models.avatar.geometry import Geometry
from hasnet_models.avatar.reading import Embed, is_sure, reference_of
from hasnet_models.data.index import INDEX, read_table
from hasnet_models.errors import UsageError
from hasnet_models.face.align import resized, warp
from hasnet_models.face.types import AlignedFace, FaceMesh
from hasnet_models.frame import CROP_SIZE
from hasnet_models.plugins.reference import Reference, ReferenceSet, save_references
from hasnet_models.runtimes.choice import load_runtime
from hasnet_models.topology import anime
from hasnet_models.topology.appearance import (
    appearance_map,
    mean_map,
    one_sidedness,
    spread,
    strangeness,
)
from hasnet_models.topology.shape import domain_shape, face_shape
from hasnet_models.topology.zones import zone_maps

LEAST = 2
ENOUGH = 400  # pictures to choose from, and for a domain's means
BOXES = "boxes"  # source of a mesh that is filled in between the parts of a drawn face
_LOOKED_AT = 12  # pictures, to see whether faces are drawn
_KEPT = 40  # faces, of 1 MB each: a small domain's are read once
_SPLIT = "train"


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen for a domain.

    Attributes:
        found: the references with the domain's shape and mean map.
        crops: uint8 (512, 512, 3), the picture of each reference.
        files: of these pictures.
        drawn: whether most faces are drawn ones, whose points are filled in between their parts:
            the domain's shape is then to be believed, but not each face's own.
    """

    found: ReferenceSet
    crops: tuple[np.ndarray, ...]
    files: tuple[str, ...]
    drawn: bool = False


def make_references(
    faces: Path,
    domain: str,
    out: Path,
    *,
    without: Container[str] = (),
    **options: Any,
) -> list[Reference]:
    """Choose references among the training pictures of a domain, one a person, and write them.

    Args:
        faces: holds `index.tsv` (columns domain, split, file; source, licence and identity where
            they are known) and the aligned square pictures that it names.
        domain: as the index calls it.
        out: the file to write.
        without: sources whose pictures are not taken.
        options: those of `choose_references`.

    Raises:
        UsageError: the index or the boxes cannot be read, or there are too few pictures.
        ImageError: a picture cannot be read.
    """
    rows = [row for row in training_rows(faces, domain) if row.get("source") not in without]
    found = choose_references(faces, rows, domain, **options).found
    save_references(out, found.references, found.shape, found.appearance)
    return list(found.references)


def choose_references(
    faces: Path,
    rows: Sequence[dict[str, str]],
    domain: str,
    *,
    count: int = COUNT,
    licence: str | None = None,
    source: str | None = None,
    boxes: Path | None = None,
    evenly: bool = False,
    embed: Embed | None = None,
) -> Choice:
    """Choose references, and find the domain's shape and mean appearance.

    Up to 400 pictures are looked at, spread evenly over the rows. Shape and appearance are those
    of the pictures with a sure mesh.

    Args:
        faces: the folder of the pictures.
        rows: of its index; `file` names an aligned square picture.
        domain: references are named after it.
        count: of references; fewer where there are fewer pictures.
        licence, source: of all of them; None takes each picture's own from its row.
        boxes: a JSON file for anime, whose faces the mesh does not know: file -> boxes of the
            face's parts (see `topology.anime.points_from_boxes`). The pictures are then brought
            into the frame of other domains, and the domain's shape is `anime_shape`.
        evenly: as many dark as light faces, as far as the pictures have them (`balance`).
        embed: z_id of an aligned face, uint8 (S, S, 3) -> float32 (D,) of unit length; None for
            the embedded identity network.

    Raises:
        UsageError: the boxes cannot be read, or there are too few pictures.
        ImageError: a picture cannot be read.
    """
    if len(rows) < LEAST:
        raise UsageError(
            f"{faces} holds {len(rows)} training pictures of {domain}; {LEAST} are the least."
        )
    rows = spread_out(rows, ENOUGH)
    embed = embed or _embedded()
    read = _Reader.of(faces, rows, boxes)
    whole = read.whole([row["file"] for row in rows])
    pool = [_candidate(faces, row, embed, whole) for row in rows]
    chosen = (choose_evenly if evenly else choose)(pool, count)
    portraits = [read.face(candidate.file) for candidate in chosen]
    references = tuple(
        reference_of(
            face,
            f"{domain}-{number:02d}",
            embed,
            licence=candidate.licence if licence is None else licence,
            source=candidate.source if source is None else source,
        )
        for number, (face, candidate) in enumerate(zip(portraits, chosen, strict=True), 1)
    )
    found = ReferenceSet(references, whole.shape, whole.appearance)
    files = tuple(candidate.file for candidate in chosen)
    return Choice(found, tuple(face.crop for face in portraits), files, read.drawn)


def training_rows(faces: Path, domain: str) -> list[dict[str, str]]:
    """The domain's training rows of the index, one a person, sorted by file.

    Raises:
        UsageError: there is no index, or it cannot be read.
    """
    _, table = read_table(faces / INDEX, ("domain", "split", "file"))
    rows = [row for row in table if (row.get("domain"), row.get("split")) == (domain, _SPLIT)]
    rows = sorted((row for row in rows if row.get("file")), key=lambda row: row["file"])
    first = {row.get("identity") or row["file"]: row for row in reversed(rows)}
    return sorted(first.values(), key=lambda row: row["file"])


@dataclass(frozen=True)
class _Whole:
    """A domain's shape and mean map, None where no mesh is sure.

    `seen` are strangeness, one-sidedness and lightness of each file's face that has a sure mesh.
    """

    shape: np.ndarray | None = None
    appearance: np.ndarray | None = None
    seen: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reader:
    """Reads the faces of a folder; `boxes` are those of anime by file, None elsewhere."""

    folder: Path
    geometry: Geometry
    boxes: Mapping[str, Any] | None
    drawn: bool = False
    known: dict[str, AlignedFace] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, rows: Sequence[dict[str, str]], boxes: Path | None) -> _Reader:
        """One that takes drawn faces for what they are where most of some pictures have one."""
        if boxes is not None:
            return cls(folder, Geometry(), _read_boxes(boxes), drawn=True)
        reader = cls(folder, Geometry(), None)
        meshes = [reader.face(row["file"]).mesh for row in spread_out(rows, _LOOKED_AT)]
        drawn = sum(mesh is not None and mesh.source == BOXES for mesh in meshes)
        return replace(reader, drawn=2 * drawn > len(meshes))

    def face(self, file: str) -> AlignedFace:
        """A picture with its mesh, person and zones; the first ones are kept."""
        face = self.known.get(file) or self._read(file)
        if len(self.known) < _KEPT:
            self.known[file] = face
        return self._trusted(face)

    def _read(self, file: str) -> AlignedFace:
        picture = image_io.read(self.folder / file).rgb
        if self.boxes is None:
            return self.geometry.known(AlignedFace(picture, np.eye(2, 3)))
        matrix = anime.frame_matrix(len(picture))
        face = AlignedFace(warp(picture, matrix, len(picture)), matrix)
        if file not in self.boxes:
            return face
        try:
            points = anime.framed(anime.points_from_boxes(self.boxes[file]))
        except (ValueError, TypeError, LookupError) as error:
            raise UsageError(f"The boxes of {file} cannot be used: {error}.") from error
        return replace(face, mesh=FaceMesh(points, 1.0, BOXES), zones=zone_maps(points))

    def _trusted(self, face: AlignedFace) -> AlignedFace:
        """In a drawn domain, points of drawn faces count as those of a sure mesh, as with boxes."""
        if not self.drawn or face.mesh is None or face.mesh.source != BOXES:
            return face
        return replace(face, mesh=replace(face.mesh, score=1.0))

    def whole(self, files: Sequence[str]) -> _Whole:
        """What is known of the domain from these pictures."""
        points, maps, lightness = {}, {}, {}
        for file in files:
            face = self.face(file)
            if is_sure(face) and face.mesh is not None:
                points[file] = face.mesh.points
                maps[file] = appearance_map(face.crop, face.mesh.points)
                lightness[file] = lightness_of_face(face)
        if not maps:
            return _Whole()
        # A domain has no side: each map counts with its mirror image.
        both = [side for one in maps.values() for side in (one, one[:, ::-1])]
        mean = mean_map(both)
        usual = spread(both, mean)
        seen = {
            file: (strangeness(one, mean, usual), one_sidedness(one), lightness[file])
            for file, one in maps.items()
        }
        return _Whole(self._shape(list(points.values())), mean, seen)

    def _shape(self, points: Sequence[np.ndarray]) -> np.ndarray:
        shape = (
            anime.anime_shape()
            if self.boxes is not None
            else domain_shape([face_shape(one) for one in points])
        )
        return shape.astype(np.float32)


def _read_boxes(path: Path) -> Mapping[str, Any]:
    try:
        boxes = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"The boxes {path} cannot be read: {error}.") from error
    if not isinstance(boxes, dict):
        raise UsageError(f"The boxes {path} are no JSON object of files.")
    return boxes


def _candidate(faces: Path, row: dict[str, str], embed: Embed, whole: _Whole) -> Candidate:
    picture = image_io.read(faces / row["file"]).rgb
    return Candidate(
        row["file"],
        row.get("source", ""),
        row.get("licence", ""),
        palette.extract(picture),
        embed(picture),
        *whole.seen.get(row["file"], (math.inf, math.inf)),
    )


def _embedded() -> Embed:
    runtime = load_runtime()
    # a folder of faces may have any side, a graph of onnxruntime has one
    return lambda picture: runtime.embed(resized(picture, CROP_SIZE)[None])[0]
