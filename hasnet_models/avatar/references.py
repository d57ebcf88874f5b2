"""A domain's reference file from a folder of aligned faces; no picture is written, only vectors."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hasnet_models import image_io, palette
from hasnet_models.avatar.geometry import Geometry
from hasnet_models.avatar.reading import Embed, is_sure, reference_of
from hasnet_models.data.index import INDEX, read_table
from hasnet_models.errors import UsageError
from hasnet_models.face.align import warp
from hasnet_models.face.types import AlignedFace, FaceMesh
from hasnet_models.networks import identity
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.plugins.reference import Reference, save_references
from hasnet_models.plugins.selection import COUNT, Candidate, choose
from hasnet_models.topology import anime
from hasnet_models.topology.appearance import appearance_map, mean_map
from hasnet_models.topology.shape import domain_shape, face_shape
from hasnet_models.topology.zones import zone_maps
from hasnet_models.weights.load import load_identity

LEAST = 2
ENOUGH = 400  # pictures for a domain's means
_SPLIT = "train"


def make_references(
    faces: Path,
    domain: str,
    out: Path,
    *,
    count: int = COUNT,
    licence: str | None = None,
    boxes: Path | None = None,
    embed: Embed | None = None,
) -> list[Reference]:
    """Choose references among the training pictures of a domain, one a person, and write them.

    The domain's shape and mean appearance, over up to 400 pictures with a sure mesh, go into the
    same file.

    Args:
        faces: holds `index.tsv` (columns domain, split, file; source, licence and identity where
            they are known) and the aligned square pictures that it names.
        domain: as the index calls it; references are named after it.
        out: the file to write.
        count: of references; fewer where there are fewer pictures.
        licence: of all of them; None takes each picture's own from the index.
        boxes: a JSON file for anime, whose faces the mesh does not know: file -> boxes of the
            face's parts (see `topology.anime.points_from_boxes`). The pictures are then brought
            into the frame of other domains, and the domain's shape is `anime_shape`.
        embed: z_id of an aligned face, uint8 (S, S, 3) -> float32 (D,) of unit length; None for
            the embedded identity network.

    Raises:
        UsageError: the index or the boxes cannot be read, or there are too few pictures.
        ImageError: a picture cannot be read.
    """
    rows = training_rows(faces, domain)
    if len(rows) < LEAST:
        raise UsageError(
            f"{faces} holds {len(rows)} training pictures of {domain}; {LEAST} are the least."
        )
    embed = embed or _embedded()
    read = _Reader(faces, Geometry(), None if boxes is None else _read_boxes(boxes))
    chosen = choose([_candidate(faces, row, embed) for row in rows], count)
    references = [
        reference_of(
            read.face(candidate.file),
            f"{domain}-{number:02d}",
            embed,
            licence=candidate.licence if licence is None else licence,
            source=candidate.source,
        )
        for number, candidate in enumerate(chosen, 1)
    ]
    shape, appearance = read.means([row["file"] for row in rows[:ENOUGH]])
    save_references(out, references, shape, appearance)
    return references


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
class _Reader:
    """Reads the faces of a folder; `boxes` are those of anime by file, None elsewhere."""

    folder: Path
    geometry: Geometry
    boxes: Mapping[str, Any] | None

    def face(self, file: str) -> AlignedFace:
        """A picture with its mesh, person and zones."""
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
        return replace(face, mesh=FaceMesh(points, 1.0, "boxes"), zones=zone_maps(points))

    def means(self, files: Sequence[str]) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The domain's shape and mean appearance; None where no mesh is sure."""
        faces = [face for face in map(self.face, files) if is_sure(face)]
        if not faces:
            return None, None
        pairs = [(face.crop, face.mesh.points) for face in faces if face.mesh is not None]
        maps = [appearance_map(crop, points) for crop, points in pairs]
        if self.boxes is None:
            shape = domain_shape([face_shape(points) for _, points in pairs])
        else:
            shape = anime.anime_shape()
        return shape.astype(np.float32), mean_map(maps)


def _read_boxes(path: Path) -> Mapping[str, Any]:
    try:
        boxes = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"The boxes {path} cannot be read: {error}.") from error
    if not isinstance(boxes, dict):
        raise UsageError(f"The boxes {path} are no JSON object of files.")
    return boxes


def _candidate(faces: Path, row: dict[str, str], embed: Embed) -> Candidate:
    picture = image_io.read(faces / row["file"]).rgb
    source, licence = row.get("source", ""), row.get("licence", "")
    return Candidate(row["file"], source, licence, palette.extract(picture), embed(picture))


def _embedded() -> Embed:
    return functools.partial(_embed, load_identity())


@torch.inference_mode()
def _embed(net: torch.nn.Module, picture: np.ndarray) -> np.ndarray:
    return identity.embed(net, to_tensor(picture[None]))[0].numpy().astype(np.float32)
