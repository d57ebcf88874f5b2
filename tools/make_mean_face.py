"""Make hasnet_models/topology/mean_face.safetensors from the aligned photos of a faces folder.

    python tools/make_mean_face.py FACES --domain photo --count 800

FACES holds index.tsv with the columns domain, split and file (docs/data.md). The mean of the train
photos' meshes is turned to the front, made symmetric and stored with the pairs of points that a
mirrored face exchanges.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from hasnet_models.data.index import INDEX, read_table
from hasnet_models.face.mesh import MINIMUM_SCORE, MeshFinder
from hasnet_models.opencv import cv2
from hasnet_models.topology.mean_face import FILE, generalised_procrustes
from hasnet_models.topology.points import FACE_OVAL
from hasnet_models.topology.pose import fit_similarity

FLIP = np.array([-1.0, 1, 1])


def train_files(folder: Path, domain: str, count: int) -> list[Path]:
    """The first `count` train pictures of a domain, in the order of the index."""
    _, table = read_table(folder / INDEX, ("domain", "split", "file"))
    rows = [row for row in table if (row["domain"], row["split"]) == (domain, "train")]
    return [folder / row["file"] for row in rows[:count]]


def meshes(files: list[Path]) -> np.ndarray:
    """(N, 468, 3) of the faces that were surely found."""
    pictures = (cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files)
    points, scores = MeshFinder().look_all(pictures)
    return points[scores >= MINIMUM_SCORE]


def frontal(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean made symmetric about x = 0.5, and the permutation that mirrors it.

    Halfway between a face and its mirror image, fitted to it, there is a symmetric one that looks
    where the face looks; fitting that to its own mirror image says how far it is turned.
    """
    pairs = mirror_pairs(mean)
    mirror = (mean * FLIP)[pairs]
    middle = (fit_similarity(mirror, mean).place(mirror) + mean) / 2
    x = symmetry_axis(middle, pairs)
    y = np.array([0.0, 1, 0])
    y = y - x * (x @ y)
    y /= np.linalg.norm(y)
    centre = middle.mean(0)
    turned = (middle - centre) @ np.stack([x, y, np.cross(x, y)]).T + [0.5, *centre[1:]]
    return (turned + (turned * FLIP + [1, 0, 0])[pairs]) / 2, pairs


def mirror_pairs(mean: np.ndarray) -> np.ndarray:
    """(468,): the point nearest to each one's mirror image, which is laid on by the face oval."""
    oval = np.array(FACE_OVAL)
    opposite = np.roll(oval[::-1], 1)
    mirror = mean * FLIP
    mirror = fit_similarity(mirror[opposite], mean[oval]).place(mirror)
    pairs = np.linalg.norm(mean[:, None] - mirror[None], axis=2).argmin(1)
    if (pairs[pairs] != np.arange(len(pairs))).any():
        raise SystemExit("The points of the mean face do not come in mirrored pairs.")
    return pairs


def symmetry_axis(points: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The direction (3,) from the points of the left to their partners on the right."""
    x = (points[pairs] - points)[points[:, 0] < points[pairs, 0]].sum(0)
    return x / np.linalg.norm(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--domain", default="photo")
    parser.add_argument("--count", type=int, default=800)
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    faces = meshes(train_files(arguments.faces, arguments.domain, arguments.count))
    mean, pairs = frontal(generalised_procrustes(faces))
    tensors = {"points": mean.astype(np.float32), "mirror": pairs.astype(np.int16)}
    save_file(tensors, arguments.out, metadata={"faces": str(len(faces))})
    print(f"{arguments.out}: {len(faces)} faces")


if __name__ == "__main__":
    main()
