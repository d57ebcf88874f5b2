"""Measure hasnet_models/weights/drawn_landmarks.onnx on faces that it was not trained on.

    python tools/measure_drawn_landmarks.py FACES PARTS.json [--faceless FOLDER]

Arguments as those of train_drawn_landmarks.py; the split is `val`. Printed are, in percent of the
picture's or window's side, the errors of the points; how many faces come to lie on the FFHQ
template; how many are found somewhere in a larger picture; and in how many pictures without a
drawn face one is seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from drawn_landmark_views import (
    OTHERS,
    SIDE,
    Example,
    face_view,
    pattern,
    read_examples,
    read_others,
    read_parts,
    scattered,
)
from numpy.typing import NDArray

from hasnet_models import image_io
from hasnet_models.data.index import read_index
from hasnet_models.data.pictures import picture_files, read_face
from hasnet_models.face.drawn import (
    MINIMUM_SCORE,
    TEMPLATE,
    TYPICAL,
    DrawnFace,
    DrawnFaceFinder,
    template_similarity,
)
from hasnet_models.frame import CROP_SIZE, fit_similarity, scale_of, transform

NAMES = ("left eye", "right eye", "nose", "mouth", "chin")
THRESHOLDS = (0.5, 0.65, MINIMUM_SCORE, 0.85)
_NEAR = 0.05  # of the frame: an eye that lies on the template
_HIT = 0.1  # of a face's window: mean error of a face that was found
_PATTERNS = 200


def print_errors(title: str, errors: list[NDArray]) -> None:
    """Mean, median and 90 % of distances (N, 5), as shares of a side, by point."""
    table = np.array(errors) * 100
    print(f"\n{title} ({len(table)} faces), % of the side: mean, median, 90 %")
    for name, column in (*zip(NAMES, table.T, strict=True), ("all", table.ravel())):
        figures = (column.mean(), np.median(column), np.percentile(column, 90))
        print(f"  {name:10}" + "".join(f"{value:6.2f}" for value in figures))


def measure_whole(finder: DrawnFaceFinder, examples: list[Example]) -> None:
    """The picture as it is: found, points, sizes, template."""
    faces = [(finder.find(e.rgb), e) for e in examples]
    found = [(face, e) for face, e in faces if face is not None]
    print(f"\nfound {len(found)} of {len(faces)}")
    print_errors("whole picture", [distances((f.points + 0.5) / SIDE, e.points) for f, e in found])
    ratios = np.array([np.abs(np.log(f.sizes / SIDE / e.sizes)) for f, e in found])
    print("sizes, median |log ratio|:", np.median(ratios, axis=0).round(3).tolist())
    near = [_eyes_off(face, e) <= _NEAR for face, e in found]
    print(f"eyes within 5 % of the template: {sum(near)} of {len(faces)}")


def _eyes_off(face: DrawnFace, example: Example) -> float:
    """How far the true eyes lie from the template's in the aligned crop; the worse of the two."""
    there = transform(example.points[:2] * SIDE - 0.5, template_similarity(face))
    return float(distances((there + 0.5) / CROP_SIZE, TEMPLATE[:2]).max())


def distances(points: NDArray, wanted: NDArray) -> NDArray:
    """(N,) between points (N, 2)."""
    return np.linalg.norm(points - wanted, axis=1)


def measure_views(
    finder: DrawnFaceFinder, examples: list[Example], others: list[NDArray], rounds: int = 3
) -> None:
    """Changed windows, by strength of the changes."""
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        rng = np.random.default_rng(1)
        views = [face_view(e, others, rng, strength) for _ in range(rounds) for e in examples]
        faces = [finder.read(view.rgb, [np.eye(2, 3)])[0] for view in views]
        errors = [
            distances((face.points + 0.5) / len(view.rgb), view.points)
            for face, view in zip(faces, views, strict=True)
        ]
        print_errors(f"changes of strength {strength}", errors)
        hits = [_hit(finder.find(view.rgb), view.points * len(view.rgb) - 0.5) for view in views]
        print(f"  found by search: {np.mean(hits):.1%}")


def _hit(face: DrawnFace | None, points: NDArray) -> bool:
    """Whether a face was found, and is the one with these points (5, 2) px."""
    if face is None:
        return False
    side = scale_of(fit_similarity(TYPICAL, points))
    return bool(distances(face.points, points).mean() <= _HIT * side)


def measure_larger(finder: DrawnFaceFinder, examples: list[Example], others: list[NDArray]) -> None:
    """One face somewhere in a picture of 640 x 480 px, its window from 0.15 to 0.75 of 640."""
    for share in (0.15, 0.25, 0.4, 0.6, 0.75):
        rng = np.random.default_rng(2)
        hits = []
        for example in examples:
            picture, points = scattered(example, others, rng, share)
            hits.append(_hit(finder.find(picture), points))
        print(f"window of {share} of a larger picture: found {np.mean(hits):.1%}")


def measure_empty(finder: DrawnFaceFinder, name: str, found: Iterable[NDArray]) -> None:
    """How often a drawn face is seen in pictures without one."""
    faces = [finder.find(rgb, 0.0) for rgb in found]
    print(f"{name:16}{len(faces):5}", _shares([0.0 if f is None else f.score for f in faces]))


def _shares(scores: list[float]) -> str:
    return "  ".join(f"{t}: {np.mean(np.array(scores) >= t):6.1%}" for t in THRESHOLDS)


def large_patterns(rng: np.random.Generator) -> Iterable[NDArray]:
    """Patterns of 256 px, each of four."""
    for _ in range(_PATTERNS):
        rows = [np.hstack([pattern(rng) for _ in range(2)]) for _ in range(2)]
        yield cv2.resize(np.vstack(rows), (SIDE, SIDE))


def measure_false(finder: DrawnFaceFinder, folder: Path, faceless: Path | None) -> None:
    """False finds in other faces, patterns and the pictures of a folder."""
    print("\nA drawn face is seen, by the least score")
    records = read_index(folder, "val")
    for domain in sorted({r.domain for r in records}):
        files = [r.file for r in records if r.domain == domain]
        name = f"{domain}{'' if domain in OTHERS else ' *'}"
        measure_empty(finder, name, (read_face(folder / f, SIDE) for f in files))
    print("* not shown in training, or not as empty")
    measure_empty(finder, "patterns", large_patterns(np.random.default_rng(3)))
    if faceless:
        measure_empty(
            finder, faceless.name, (image_io.read(p).rgb for p in picture_files(faceless))
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("parts", type=Path)
    parser.add_argument("--faceless", type=Path, help="folder of pictures without faces")
    options = parser.parse_args()
    finder, parts = DrawnFaceFinder(), read_parts(options.parts)
    everything = read_examples(options.faces, parts, "val", clean=False)
    examples = read_examples(options.faces, parts, "val")
    others = read_others(options.faces, "val", 20)
    print("All faces:")
    measure_whole(finder, everything)
    print("\nThose with credible boxes:")
    measure_whole(finder, examples)
    measure_views(finder, examples, others)
    measure_larger(finder, examples, others)
    measure_false(finder, options.faces, options.faceless)


if __name__ == "__main__":
    main()
