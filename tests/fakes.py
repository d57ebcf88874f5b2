"""A pipeline without networks, for the tests of the command line.

Run as a script it is `hasnet` with that pipeline: `python tests/fakes.py avatar ...`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hasnet_cli import factory
from hasnet_models import image_io
from hasnet_models.avatar.look import Look
from hasnet_models.errors import NoFaceError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.face.types import AlignedFace, Face
from hasnet_models.frame import FFHQ_BOX_512, FFHQ_TEMPLATE_512, invert, transform
from hasnet_models.palette import extract
from hasnet_models.plugins.reference import Reference

SIDE = 16
AUTO = FaceChoice()


@dataclass(frozen=True)
class FakeSteps:
    source: np.ndarray
    gray: np.ndarray
    x_rt: np.ndarray
    x_warp: np.ndarray
    x_map: np.ndarray
    x_tt: np.ndarray
    medium: np.ndarray | None = None
    zones: np.ndarray | None = None
    person: np.ndarray | None = None
    seed: int | None = None


def picture(path: Path | str, level: int = 200, width: int = 24, height: int = 20) -> Path:
    """A plain picture in a file; FakePipeline sees two faces in a grey one, none in a black one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image_io.write(np.full((height, width, 3), level, np.uint8), path)
    return path


class Finds:
    """A detector that always finds the same, the largest first, and remembers what it was shown."""

    def __init__(self, *faces: Face) -> None:
        self.faces = sorted(faces, key=lambda face: -face.area)
        self.seen: list[tuple[int, ...]] = []

    def detect(self, rgb: np.ndarray) -> list[Face]:
        self.seen.append(rgb.shape)
        return self.faces


def face_at(matrix: np.ndarray) -> Face:
    """The face that `matrix`, photo to crop, brings onto the template."""
    back = invert(matrix)
    box = transform(FFHQ_BOX_512.reshape(2, 2), back).ravel()
    return Face(box.astype(np.float32), transform(FFHQ_TEMPLATE_512, back).astype(np.float32), 0.9)


def half(height: int, width: int) -> np.ndarray:
    """A mask, uint8 (height, width): its left half."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    return mask


class FakePipeline:
    """Black pictures have no face, gray ones two; an avatar has the first colour of its reference.

    A picture 13 px wide breaks it. The left half of a picture is a person.
    """

    device, runtime_name = "cpu", "onnx"

    def __init__(self) -> None:
        self.rendered: list[tuple[str, str | None]] = []
        self.looks: list[Look] = []

    def without_rt(self):
        return self

    def crop(self, photo, choice=AUTO):
        mean = photo.rgb.mean()
        if mean < 1 and choice == AUTO:
            raise NoFaceError(f"No face was found in {photo.name}.", "Try --face x,y,w,h.")
        if photo.rgb.shape[1] == 13:
            raise RuntimeError("a fault\nof two lines")
        notes = ["2 faces; the largest was taken."] if 100 < mean < 150 else []
        crop = np.full((SIDE, SIDE, 3), round(mean), np.uint8)
        matrix = np.array([[20.0, 0, 20], [0, 20.0, 60]])
        return AlignedFace(crop, matrix), notes

    def crops(self, photo, choice=AUTO, like=None):
        """As many faces as the photo is high in tens of pixels, for those who want all."""
        aligned, notes = self.crop(photo, choice)
        count = photo.rgb.shape[0] // 10 if choice.kind == "all" else 1
        return [aligned] * count, notes

    def person_mask(self, photo):
        return half(*photo.rgb.shape[:2]) / np.float32(255)

    def embed(self, crop):
        return _unit(int(crop[0, 0, 0]))

    def reference_from_image(self, photo, choice=AUTO):
        found = Reference(photo.name, extract(photo.rgb), _unit(7))
        return found, ["taken as an aligned crop."]

    def nearest_domain(self, reference, domains):
        return domains[0] if domains else None

    def render(self, face, reference, domain, look):
        self.looks.append(look)
        crop = face.crop
        self.rendered.append((reference.name, domain.name if domain else None))
        avatar = np.full_like(crop, 0) + reference.palette[0]
        person = half(*crop.shape[:2]) if look.cuts_out else None
        return FakeSteps(crop, crop, crop, crop, crop, avatar, person=person)

    def render_many(self, faces, references, domain, look):
        pairs = zip(faces, references, strict=True)
        return [self.render(face, reference, domain, look) for face, reference in pairs]


def _unit(seed: int) -> np.ndarray:
    z_id = np.random.default_rng(seed).normal(size=192).astype(np.float32)
    return z_id / np.linalg.norm(z_id)


if __name__ == "__main__":
    from hasnet_cli.main import main

    factory.load_pipeline = lambda *_: FakePipeline()
    factory.open_ahead = lambda *_: lambda: None
    sys.exit(main())
