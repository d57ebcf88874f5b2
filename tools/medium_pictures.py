"""What the media are measured and fitted on: the networks' pictures of people, and references.

Pictures are kept in a folder when one is given, since networks take longer than media: a file a
domain and a split. Remove the folder after a change of the weights.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hasnet_models import image_io
from hasnet_models.authoring.selection import spread_out
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.avatar.shaping import zones_of
from hasnet_models.data.index import read_index
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.types import AlignedFace
from hasnet_models.medium import Medium, apply, presets, scale
from hasnet_models.plugins import discover
from hasnet_models.plugins.reference import likest
from hasnet_models.topology.zones import ZONES

ALIGNED = FaceChoice.parse("aligned")
_SKIN = ZONES.index("skin")
_CORE = 0.8  # share of the zone in a pixel of skin
_AT_ONCE = 4


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the networks make of some people in one domain.

    Attributes:
        x_tt: uint8 (N, 512, 512, 3).
        zones: float32 (N, 6, 32, 32) of `x_tt`.
        skin: float32 (N,), lightness of the source's skin.
        seeds: int64 (N,), of the strokes.
    """

    x_tt: NDArray[np.uint8]
    zones: NDArray[np.float32]
    skin: NDArray[np.float32]
    seeds: NDArray[np.int64]

    def drawn(self, medium: Medium | None) -> Iterator[NDArray[np.float32]]:
        """Each picture in a medium, float32 (512, 512, 3), 0..1; as it is for None."""
        for picture, maps, seed in zip(self.x_tt, self.zones, self.seeds, strict=True):
            rgb = scale.unit(picture)
            yield rgb if medium is None else apply(rgb, medium, zones=maps, seed=int(seed))


class Studio:
    """Makes and keeps pictures of the people of a split.

    Args:
        faces: folder of aligned faces with its index.
        split: "train" or "val".
        people: how many photos, spread evenly over the split.
        keep: folder of the pictures made; None keeps none.
    """

    def __init__(self, faces: Path, split: str, people: int, keep: Path | None = None) -> None:
        self._folder, self._split, self._people, self._keep = faces, split, people, keep

    def pictures(self, domain: str, same: bool = False) -> Pictures:
        """What the networks make of the people in a domain.

        Args:
            same: under one reference for all, the domain's first; otherwise each under that which
                is most like the person.
        """
        if self._keep is None:
            return self._made(domain, same)
        under = "same" if same else "own"
        path = self._keep / f"{domain}-{self._split}-{self._people}-{under}.npz"
        if not path.is_file():
            self._keep.mkdir(parents=True, exist_ok=True)
            made = self._made(domain, same)
            np.savez(path, **{f.name: getattr(made, f.name) for f in fields(made)})
        with np.load(path) as found:
            return Pictures(**found)

    def _made(self, name: str, same: bool) -> Pictures:
        domain = discover().get(name)
        faces, all_of_it = self._faces, domain.references
        chosen = [all_of_it[0] if same else likest(all_of_it, z_id) for z_id in self._z_ids]
        steps = []
        for top in range(0, len(faces), _AT_ONCE):
            part = slice(top, top + _AT_ONCE)
            steps += self._pipeline.render_many(faces[part], chosen[part], domain)
        return Pictures(
            np.stack([one.x_tt for one in steps]),
            np.stack([one.zones for one in steps]),
            np.array([skin_lightness(f.crop, zones_of(f)) for f in faces], np.float32),
            np.array([zlib.crc32(np.ascontiguousarray(f.crop)) for f in faces]),
        )

    @cached_property
    def _pipeline(self) -> AvatarPipeline:
        return AvatarPipeline.load("cpu")

    @cached_property
    def _faces(self) -> list[AlignedFace]:
        files = picture_files(self._folder, "photo", self._split, self._people)
        return [self._pipeline.crop(image_io.read(file), ALIGNED)[0] for file in files]

    @cached_property
    def _z_ids(self) -> list[NDArray[np.float32]]:
        return [self._pipeline.embed(face.crop) for face in self._faces]


def picture_files(faces: Path, domain: str, split: str, count: int) -> list[Path]:
    """Pictures of a domain, spread evenly over a split."""
    records = [record for record in read_index(faces, split) if record.domain == domain]
    return [faces / record.file for record in spread_out(records, count)]


def references(faces: Path, domain: str, count: int) -> list[NDArray[np.float32]]:
    """Training pictures of a domain, float32 (H, W, 3), 0..1."""
    files = picture_files(faces, domain, "train", count)
    return [scale.unit(image_io.read(file).rgb) for file in files]


def skin_lightness(rgb: np.ndarray, zones: NDArray[np.float32]) -> float:
    """Mean luma over the skin zone of a picture (H, W, 3), uint8 or float32 0..1."""
    gray = scale.luma(scale.unit(rgb))
    skin = scale.resize(zones[_SKIN], gray.shape) > _CORE
    return float(gray[skin].mean()) if skin.any() else float(gray.mean())


def installed(names: Sequence[str]) -> list[str]:
    """The domains that were named, or all that have a preset medium.

    Raises:
        SystemExit: one of them has none.
    """
    if others := sorted(set(names) - set(presets())):
        raise SystemExit(f"No preset medium: {', '.join(others)}.")
    return list(names) or list(presets())


def arguments(about: str, people: int) -> argparse.ArgumentParser:
    """What the tools of media are told alike: which faces, domains and how many."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("domains", nargs="*")
    parser.add_argument("--pictures", type=Path, help="folder to keep the networks' pictures in")
    parser.add_argument("--people", type=int, default=people)
    parser.add_argument("--references", type=int, default=40)
    return parser
