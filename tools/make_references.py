"""Choose a domain's references and write their vectors (never a picture) to one file.

    python tools/make_references.py FACES_DIR sketch OUT/references.safetensors

FACES_DIR holds `index.tsv` (domain, split, file, source, licence, identity) and the aligned
square pictures it names. Only the training split is used, one picture a person. The tenth whose
z_id is farthest from the domain's mean is left out (misaligned or damaged pictures are there);
of the rest, farthest-point selection over z_id and palette takes the most different ones,
beginning with the most typical. The same input gives the same file.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hasnet_models import image_io, palette
from hasnet_models.networks.identity import embed
from hasnet_models.networks.tensors import to_tensor
from hasnet_models.plugins.reference import Reference, save_references
from hasnet_models.weights.load import load_identity

COUNT = 36
TYPICAL_SHARE = 0.9
LICENCE = "non-commercial research use"
_BATCH = 16


@dataclass(frozen=True)
class Candidate:
    file: str
    source: str
    palette: np.ndarray
    z_id: np.ndarray


def rows_of(faces: Path, domain: str) -> list[dict[str, str]]:
    """The domain's training rows, one a person, sorted by file."""
    with (faces / "index.tsv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if row["domain"] == domain and row["split"] == "train"
        ]
    first = {row["identity"] or row["file"]: row for row in reversed(sorted(rows, key=_file))}
    return sorted(first.values(), key=_file)


def _file(row: dict[str, str]) -> str:
    return row["file"]


def candidates(faces: Path, rows: list[dict[str, str]]) -> list[Candidate]:
    """Palette and z_id of every picture."""
    net = load_identity()
    found = []
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        pictures = [image_io.read(faces / row["file"]).rgb for row in part]
        frames = to_tensor(np.stack(pictures))
        with torch.inference_mode():
            z_ids = embed(net, frames).numpy().astype(np.float32)
        found += [
            Candidate(row["file"], row["source"], palette.extract(picture), z_id)
            for row, picture, z_id in zip(part, pictures, z_ids, strict=True)
        ]
    return found


def choose(pool: list[Candidate], count: int) -> list[Candidate]:
    """Farthest-point selection; both halves of the distance have mean square 1 over the pool."""
    z_ids = np.stack([candidate.z_id for candidate in pool])
    typical = z_ids @ z_ids.mean(axis=0)
    kept = np.sort(np.argsort(-typical, kind="stable")[: int(len(pool) * TYPICAL_SHARE)])
    colours = np.stack([_colour_key(pool[i].palette) for i in kept])
    points = np.concatenate([_scaled(z_ids[kept]), _scaled(colours)], axis=1)
    chosen = [int(np.argmax(typical[kept]))]
    distance = np.full(len(kept), np.inf)
    while len(chosen) < min(count, len(kept)):
        distance = np.minimum(distance, np.square(points - points[chosen[-1]]).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return [pool[kept[i]] for i in chosen]


def _colour_key(colours: np.ndarray) -> np.ndarray:
    """A palette as numbers that do not depend on its order: sorted by luminance."""
    values = colours.astype(np.float64) / 255
    return values[np.argsort(values @ (0.299, 0.587, 0.114), kind="stable")].ravel()


def _scaled(points: np.ndarray) -> np.ndarray:
    centred = points - points.mean(axis=0)
    return centred / max(np.sqrt(np.square(centred).sum(axis=1).mean()), 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("domain")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    rows = rows_of(options.faces, options.domain)
    if not rows:
        parser.error(f"no training pictures of {options.domain} in {options.faces}")
    chosen = choose(candidates(options.faces, rows), options.count)
    references = [
        Reference(f"{options.domain}-{i:02d}", c.palette, c.z_id, licence=LICENCE, source=c.source)
        for i, c in enumerate(chosen, 1)
    ]
    save_references(options.out, references)
    print(f"{len(references)} of {len(rows)} references -> {options.out}")


if __name__ == "__main__":
    main()
