"""How much restoring helps: faces made weak, restored in several ways, beside the originals.

    python tools/measure_restoring.py FACES [--count 40] [--esrgan x4.onnx] [--sheet sheet.png]

FACES is a folder with an index (docs/data.md); photos of its validation split are brought down to
several sides with blur, noise and JPEG. Printed are, for each side and way, the cosine of z_id with
the original's and the distance of VGG16's features from the original's (mean of the relative L1
distances of four layers, at 128 px). `off` is what alignment does, `bicubic` Pillow's enlargement;
`net` the embedded network at full strength, `auto` what --restore auto does; `esrgan` the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from degrading import Weakness, weakened
from PIL import Image
from torch import Tensor
from train_restorer import read_faces

from hasnet_models import image_io
from hasnet_models.face.align import resized, warp
from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import CROP_SIZE, square_similarity
from hasnet_models.networks.identity import embed
from hasnet_models.restoring.restorer import WeakFaceRestorer
from hasnet_models.restoring.weakness import effective_side
from hasnet_models.weights.load import load_identity, load_vgg

SIDES = (32, 48, 64, 96, 128)
LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_1")
# as faces of each side are met: far and sharp, blurred, compressed
WEAKNESSES = ((0.0, 0.0, None), (0.7, 2.0, 75), (1.2, 3.0, 60))
_SHEET_SIDE = 192

Pixels = np.ndarray
Way = Callable[[Pixels], Pixels]


def aligned(small: Pixels) -> AlignedFace:
    """A weak face (s, s, 3) as alignment gives it."""
    matrix = square_similarity(*small.shape[:2])
    return AlignedFace(warp(small, matrix), matrix)


def bicubic(small: Pixels) -> Pixels:
    """Pillow's enlargement."""
    whole = Image.fromarray(small).resize((CROP_SIZE, CROP_SIZE), Image.Resampling.BICUBIC)
    return np.asarray(whole)


def by_esrgan(path: Path) -> Way:
    """The converted network on the small face, then enlarged to the crop."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)

    def restored(small: Pixels) -> Pixels:
        planes = small.transpose(2, 0, 1)[None].astype(np.float32)
        (larger,) = session.run(None, {"image": planes})
        pixels = larger[0].transpose(1, 2, 0).round().clip(0, 255).astype(np.uint8)
        return warp(pixels, square_similarity(*pixels.shape[:2]))

    return restored


def ways(esrgan: Path | None, network: bool) -> dict[str, Way]:
    """The ways by name."""
    found: dict[str, Way] = {"off": lambda small: aligned(small).crop, "bicubic": bicubic}
    if esrgan:
        found["esrgan"] = by_esrgan(esrgan)
    if network:
        restorer = WeakFaceRestorer()
        found["net"] = lambda small: restorer.crop(aligned(small).crop)
        found["auto"] = lambda small: restorer.restored(aligned(small)).crop
    return found


class Measure:
    """Compares crops with the original by z_id and by features."""

    def __init__(self) -> None:
        self.identity, self.vgg = load_identity(), load_vgg()

    @torch.no_grad()
    def known(self, crop: Pixels) -> tuple[Tensor, dict[str, Tensor]]:
        """z_id and features of a crop (S, S, 3)."""
        picture = _planes(crop)
        small = cv2.resize(crop, (128, 128), interpolation=cv2.INTER_AREA)
        return embed(self.identity, picture)[0], self.vgg(_planes(small), LAYERS)

    def compare(self, crop: Pixels, original: tuple[Tensor, dict[str, Tensor]]) -> list[float]:
        """Cosine and distance."""
        z_id, features = self.known(crop)
        gaps = [
            float((features[n] - whole).abs().mean() / whole.abs().mean())
            for n, whole in original[1].items()
        ]
        return [float(z_id @ original[0]), float(np.mean(gaps))]


def _planes(crop: Pixels) -> Tensor:
    return torch.from_numpy(crop.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1)


def run(faces: np.ndarray, found: dict[str, Way], sheet: Path | None) -> None:
    """Print the table, and write the sheet: a row a side, a column a way, the original last."""
    measure, rows = Measure(), []
    originals = [measure.known(resized(face, CROP_SIZE)) for face in faces]
    print("side effective way cosine distance better_cosine better_distance")
    for side in SIDES:
        values: dict[str, list[list[float]]] = {name: [] for name in found}
        sides, shown = [], []
        for i, face in enumerate(faces):
            blur, noise, quality = WEAKNESSES[i % len(WEAKNESSES)]
            small = weakened(face, Weakness(side, blur, noise, quality), i)
            sides.append(effective_side(aligned(small)))
            known: dict[bytes, list[float]] = {}  # of ways that give the same
            for name, way in found.items():
                crop = way(small)
                key = crop.tobytes()
                known[key] = known.get(key) or measure.compare(crop, originals[i])
                values[name].append(known[key])
                if i < 3:
                    shown.append(resized(crop, _SHEET_SIDE))
            if i < 3:
                shown.append(resized(face, _SHEET_SIDE))
        rows.append(np.concatenate(shown, axis=1))
        plain = np.array(values["bicubic"])
        for name, results in values.items():
            one = np.array(results)
            won = ((one[:, 0] > plain[:, 0]).mean(), (one[:, 1] < plain[:, 1]).mean())
            cosine, distance = one.mean(0)
            print(
                f"{side} {np.median(sides):.0f} {name} {cosine:.4f} {distance:.4f} "
                f"{won[0]:.2f} {won[1]:.2f}", flush=True,
            )  # fmt: skip
    if sheet:
        image_io.write(np.concatenate(rows), sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--esrgan", type=Path)
    parser.add_argument("--no-network", action="store_true", help="leave out the embedded one")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    faces = read_faces(options.faces, "val")
    chosen = np.random.default_rng(0).permutation(len(faces))[: options.count]
    run(faces[chosen], ways(options.esrgan, not options.no_network), options.sheet)


if __name__ == "__main__":
    main()
