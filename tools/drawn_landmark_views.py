"""What train_drawn_landmarks.py shows its network: drawn faces under strong changes, and no faces.

A view is a window of 96 px. Faces are turned, scaled, moved, mirrored and sheared, pasted on other
pictures, recoloured, blurred, covered; windows without a drawn face show photos and other pictures
of faces, code-drawn patterns, and places beside the faces of the drawn pictures. All ranges grow
with `strength`: 0 is the picture as it is, 1 the full range.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hasnet_models.data.index import FaceRecord, read_index
from hasnet_models.data.pictures import read_face
from hasnet_models.errors import UsageError
from hasnet_models.face.drawn import MIRRORED, MIRRORED_SIZES, TYPICAL, WINDOW, middle
from hasnet_models.frame import fit_similarity, scale_of, transform

SIDE = 256
# Faces that are no drawn ones: the network for photos finds them.
OTHERS = (
    *("photo", "photo_gray", "sketch_photo", "drawn_photo", "nir", "night"),
    *("oil", "sketch", "sculpture", "impasto", "fantasy", "buddha"),
)

# The boxes lie to the left of noses and chins, on average over all faces and hence over faces that
# look to the left and to the right: shifts along the eyes' axis, in eye distances.
_NOSE_SHIFT, _CHIN_SHIFT = 0.054, 0.070
# Faces whose parts fit no face: parts of an eye taken for a face.
_LEAST_CERTAIN = 0.6
_SCALES = (0.75, 1.35)
_MISFIT = 0.06

_SCALE_RANGE = (0.5, 1.6)
_ROTATION = 30.0  # degrees
_STRETCH = 0.12  # logarithm
_MARGIN = 0.03  # of the window, around the points


@dataclass(frozen=True, eq=False)
class Example:
    """A drawn face.

    Attributes:
        rgb: uint8 (256, 256, 3).
        points: (5, 2), see `hasnet_models.face.drawn.DrawnFace`, in fractions of the side.
        sizes: (3, 2), of left eye, right eye and mouth, in fractions of the side.
    """

    rgb: NDArray[np.uint8]
    points: NDArray[np.float64]
    sizes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """A window and what is to be found in it; points and sizes are None where no face is.

    Attributes:
        rgb: uint8 (96, 96, 3).
        points, sizes: as those of an Example, in fractions of the window.
    """

    rgb: NDArray[np.uint8]
    points: NDArray[np.float64] | None = None
    sizes: NDArray[np.float64] | None = None


def read_parts(path: Path) -> dict[str, dict]:
    """File name -> {p, le, re, mouth, nose, chin}: certainty, boxes x y width height, points.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The parts {path} cannot be read: {error}.") from error


def read_examples(
    folder: Path, parts: dict[str, dict], split: str, domain: str = "anime", clean: bool = True
) -> list[Example]:
    """The faces of a split whose parts are known.

    Args:
        clean: leave out those whose parts are no face's.

    Raises:
        UsageError: as `read_index`.
    """
    records = [r for r in read_index(folder, split) if r.domain == domain and r.file in parts]
    good = [r for r in records if not clean or credible(parts[r.file])]
    return [Example(read_face(folder / r.file, SIDE), *geometry(parts[r.file])) for r in good]


def read_others(folder: Path, split: str, each: int) -> list[NDArray[np.uint8]]:
    """At most `each` faces of each of the domains that are not drawn, uint8 (256, 256, 3)."""
    records = read_index(folder, split)
    return [read_face(folder / r.file, SIDE) for d in OTHERS for r in _of(records, d)[:each]]


def _of(records: list[FaceRecord], domain: str) -> list[FaceRecord]:
    return [r for r in records if r.domain == domain]


def geometry(entry: dict) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and sizes of an Example; `le` is the eye at larger x, thus the viewer's right."""
    boxes = np.array([entry["re"], entry["le"], entry["mouth"]])
    left, right, mouth = boxes[:, :2] + boxes[:, 2:] / 2
    axis = right - left
    nose = entry["nose"] + _NOSE_SHIFT * axis
    chin = entry["chin"] + _CHIN_SHIFT * axis
    return np.array([left, right, nose, mouth, chin]), boxes[:, 2:]


def credible(entry: dict) -> bool:
    """Whether the parts could be those of the face that fills the picture."""
    points = geometry(entry)[0]
    matrix = fit_similarity(points, TYPICAL)
    misfit = np.linalg.norm(transform(points, matrix) - TYPICAL, axis=1).max()
    in_range = _SCALES[0] < 1 / scale_of(matrix) < _SCALES[1]
    return bool(entry["p"] > _LEAST_CERTAIN and in_range and misfit < _MISFIT)


# --------------------------------------------------------------------------------------- geometry


def face_view(
    example: Example,
    others: list[NDArray[np.uint8]],
    rng: np.random.Generator,
    strength: float = 1.0,
) -> View:
    """A drawn face, changed in place, ground and look."""
    matrix = placement(example.points, rng, strength)
    points = transform(example.points * SIDE - 0.5, matrix)
    window = _pasted(example.rgb, matrix, others, rng, strength)
    points = (points + 0.5) / WINDOW
    sizes = example.sizes * np.sqrt(abs(np.linalg.det(matrix[:, :2]))) * SIDE / WINDOW
    if strength and rng.random() < 0.5:
        window = np.ascontiguousarray(window[:, ::-1])
        points = points[MIRRORED] * [-1, 1] + [1, 0]
        sizes = sizes[MIRRORED_SIZES]
    return View(disturbed(window, rng, strength), points, sizes)


def placement(
    points: NDArray[np.float64], rng: np.random.Generator, strength: float
) -> NDArray[np.float64]:
    """(2, 3), picture px to window px: all points stay in the window."""
    scale = np.exp(strength * rng.uniform(*np.log(_SCALE_RANGE)))
    angle = np.deg2rad(strength * rng.uniform(-_ROTATION, _ROTATION))
    stretch = np.exp(strength * rng.uniform(-_STRETCH, _STRETCH))
    c, s = np.cos(angle), np.sin(angle)
    turn = scale * np.array([[c, -s], [s, c]]) @ np.diag([stretch, 1 / stretch])
    turned = points @ turn.T
    aim = middle(TYPICAL) + strength * rng.uniform(-0.25, 0.25, 2) * max(1.0, 1.6 - scale)
    shift = aim - middle(turned)
    if not strength:
        shift = np.zeros(2)
    low, high = _MARGIN - turned.min(axis=0), 1 - _MARGIN - turned.max(axis=0)
    shift = np.where(low < high, np.clip(shift, low, high), (low + high) / 2)
    return _in_pixels(turn, shift)


def _in_pixels(turn: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """From fractions to pixels: 256 px of a picture, 96 px of a window."""
    k = WINDOW / SIDE
    return np.column_stack([turn * k, shift * WINDOW - 0.5 + turn.sum(axis=1) * k / 2])


def warped(
    picture: NDArray, matrix: NDArray, border: int, value: tuple[int, ...] = (0, 0, 0)
) -> NDArray:
    """The window that a matrix cuts out, without aliasing."""
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 0.7:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    size = (WINDOW, WINDOW)
    return cv2.warpAffine(picture, matrix, size, borderMode=border, borderValue=value)


# ---------------------------------------------------------------------------------------- grounds


def _pasted(
    rgb: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    others: list[NDArray[np.uint8]],
    rng: np.random.Generator,
    strength: float,
) -> NDArray[np.uint8]:
    """The window; around the picture its own rim, or another picture.

    Mirrored surroundings would show the face a second time, where nothing says so.
    """
    window = warped(rgb, matrix, cv2.BORDER_REPLICATE)
    if rng.random() >= 0.6 * strength:
        return window
    mask = warped(_paste_mask(rng), matrix, cv2.BORDER_CONSTANT)[..., None].astype(np.float32) / 255
    ground = background(others, rng).astype(np.float32)
    return (window * mask + ground * (1 - mask) + 0.5).astype(np.uint8)


def _paste_mask(rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8 (256, 256): what is pasted of a picture, its whole or an oval, hard or soft."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if rng.random() < 0.5:
        mask[:] = 255
    else:
        axes = (int(rng.uniform(85, 135)), int(rng.uniform(95, 140)))
        cv2.ellipse(mask, (128, 120), axes, 0, 0, 360, 255, -1)
    soft = rng.uniform(0, 12)
    return cv2.GaussianBlur(mask, (0, 0), soft) if soft > 2 else mask


def background(others: list[NDArray[np.uint8]], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A window without a drawn face: a piece of another picture, or a pattern."""
    if others and rng.random() < 0.5:
        return _piece(others[rng.integers(len(others))], rng, 0.4, 3.0)
    return pattern(rng)


def _piece(
    rgb: NDArray[np.uint8], rng: np.random.Generator, smallest: float, largest: float
) -> NDArray[np.uint8]:
    """A window somewhere in a picture, at a scale between the two (1: the whole picture)."""
    scale = np.exp(rng.uniform(*np.log([smallest, largest])))
    angle = np.deg2rad(rng.normal(0, 15))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    reach = abs(scale - 1) / 2 + 0.1
    shift = 0.5 - turn @ [0.5, 0.5] + rng.uniform(-reach, reach, 2)
    return warped(rgb, _in_pixels(turn, shift), cv2.BORDER_REFLECT)


def pattern(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture drawn by code, uint8 (96, 96, 3)."""
    kinds: tuple[Callable, ...] = (_plain, _gradient, _clouds, _stripes, _shapes, _letters)
    return kinds[rng.integers(len(kinds))](rng)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    return tuple(int(v) for v in rng.integers(0, 256, 3))


def _plain(rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.full((WINDOW, WINDOW, 3), _colour(rng), np.uint8)


def _gradient(rng: np.random.Generator) -> NDArray[np.uint8]:
    corners = rng.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    return cv2.resize(corners, (WINDOW, WINDOW), interpolation=cv2.INTER_LINEAR)


def _clouds(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noise of several octaves."""
    total = np.zeros((WINDOW, WINDOW, 3), np.float32)
    for side in (3, 6, 12, 24, 48):
        octave = rng.normal(0, 1, (side, side, 3)).astype(np.float32)
        total += cv2.resize(octave, (WINDOW, WINDOW)) * side ** -rng.uniform(0, 1)
    low, high = total.min(), total.max()
    return ((total - low) * (255 / (high - low))).astype(np.uint8)


def _stripes(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Waves in one direction, or two that cross."""
    y, x = np.mgrid[:WINDOW, :WINDOW]
    waves = np.zeros((WINDOW, WINDOW))
    for _ in range(rng.integers(1, 3)):
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
        waves += np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    share = np.clip(waves * rng.uniform(0.5, 4) + 0.5, 0, 1)[..., None]
    mixed = share * np.array(_colour(rng)) + (1 - share) * np.array(_colour(rng))
    return mixed.astype(np.uint8)


def _shapes(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Ovals, boxes and lines: also two dark ovals side by side, which are no face yet."""
    picture = _gradient(rng)
    for _ in range(rng.integers(3, 14)):
        centre = tuple(int(v) for v in rng.integers(0, WINDOW, 2))
        other = tuple(int(v) for v in rng.integers(0, WINDOW, 2))
        axes = tuple(int(v) for v in rng.integers(2, 30, 2))
        thick = int(rng.choice([-1, 1, 2]))
        draw = rng.integers(3)
        if draw == 0:
            cv2.ellipse(picture, centre, axes, rng.uniform(0, 180), 0, 360, _colour(rng), thick)
        elif draw == 1:
            cv2.rectangle(picture, centre, other, _colour(rng), thick)
        else:
            cv2.line(picture, centre, other, _colour(rng), abs(thick), cv2.LINE_AA)
    return picture


def _letters(rng: np.random.Generator) -> NDArray[np.uint8]:
    picture = _gradient(rng)
    for _ in range(rng.integers(1, 8)):
        word = "".join(chr(c) for c in rng.integers(33, 127, rng.integers(1, 8)))
        at = (int(rng.integers(-10, 60)), int(rng.integers(8, WINDOW)))
        cv2.putText(picture, word, at, 0, rng.uniform(0.3, 2), _colour(rng), 1, cv2.LINE_AA)
    return picture


def scattered(
    example: Example, others: list[NDArray[np.uint8]], rng: np.random.Generator, share: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A larger picture with one drawn face somewhere, uint8 (480, 640, 3), and its points in px.

    Args:
        share: side of the pasted picture, of 640 px.
    """
    tiles = [cv2.resize(background(others, rng), (320, 240)) for _ in range(4)]
    picture = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    k, angle = share * 640 / SIDE, np.deg2rad(rng.uniform(-20, 20))
    turn = k * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (example.points * SIDE - 0.5) @ turn.T
    room = np.array([640, 480]) - 1 - points.max(axis=0) + points.min(axis=0)
    shift = rng.uniform(0.1, 0.9, 2) * room - points.min(axis=0)
    matrix = np.column_stack([turn, shift])
    soft = cv2.GaussianBlur(example.rgb, (0, 0), 0.4 / k) if k < 0.7 else example.rgb
    cv2.warpAffine(soft, matrix, (640, 480), picture, borderMode=cv2.BORDER_TRANSPARENT)
    return picture, points + shift


def empty_view(
    examples: list[Example],
    others: list[NDArray[np.uint8]],
    rng: np.random.Generator,
    strength: float = 1.0,
) -> View:
    """A window without a drawn face: another face, a pattern, or a place beside a drawn face."""
    draw = rng.random()
    if draw < 0.65 and others:
        scales = (0.7, 1.5) if draw < 0.45 else (0.4, 2.5)
        window = _piece(others[rng.integers(len(others))], rng, *scales)
    elif draw < 0.82:
        window = pattern(rng)
    else:
        window = beside(examples[rng.integers(len(examples))], rng)
    return View(disturbed(window, rng, strength))


def beside(example: Example, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A part of a drawn picture that is no face: hair, an eye, clothes; or tiles in disorder."""
    if rng.random() < 0.3:
        window = cv2.resize(example.rgb, (WINDOW, WINDOW), interpolation=cv2.INTER_AREA)
        return _shuffled(window, rng)
    scale = rng.uniform(2.5, 6.0)
    centre = example.points.mean(axis=0)
    place = rng.uniform(0, 1, 2)
    while scale < 4.5 and np.abs(place - centre).max() < 0.28:
        place = rng.uniform(0, 1, 2)
    shift = 0.5 - scale * np.clip(place, 0.5 / scale, 1 - 0.5 / scale)
    return warped(example.rgb, _in_pixels(scale * np.eye(2), shift), cv2.BORDER_REFLECT)


def _shuffled(window: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Tiles of a third or a quarter of the window in another order."""
    n = int(rng.integers(3, 5))
    side = WINDOW // n
    tiles = window.reshape(n, side, n, side, 3).transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3)
    mixed = tiles[rng.permutation(n * n)].reshape(n, n, side, side, 3)
    return np.ascontiguousarray(mixed.transpose(0, 2, 1, 3, 4).reshape(WINDOW, WINDOW, 3))


# ------------------------------------------------------------------------------------------- look


def disturbed(
    window: NDArray[np.uint8], rng: np.random.Generator, strength: float
) -> NDArray[np.uint8]:
    """Colour, tone, covers, blur, noise and compression; each only now and then."""
    for change, chance in _CHANGES:
        if rng.random() < chance * strength:
            window = change(window, rng, strength)
    return window


def _recoloured(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    """A random mixture of the channels, which turns hues, and other gains."""
    mixture = np.eye(3) * (1 + rng.normal(0, 0.12 * k, 3)) + rng.normal(0, 0.18 * k, (3, 3))
    mixture /= np.maximum(mixture.sum(axis=1, keepdims=True), 0.3)
    return _rounded(w.astype(np.float32) @ mixture.T.astype(np.float32))


def _toned(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    """Gamma, contrast and brightness."""
    levels = (np.arange(256) / 255) ** np.exp(rng.normal(0, 0.35 * k))
    levels = (levels - 0.5) * np.exp(rng.normal(0, 0.3 * k)) + 0.5 + rng.normal(0, 0.1 * k)
    return cv2.LUT(w, _rounded(levels * 255))


def _greyed(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(w, cv2.COLOR_RGB2GRAY)[..., None]
    share = 1.0 if rng.random() < 0.6 else rng.uniform(0.3, 1)
    return _rounded(grey * share + w * (1 - share))


def _inverted(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    return 255 - w


def _inked(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    """Lines and flat blacks only, as in print (difference of Gaussians, Winnemoeller 2011)."""
    grey = cv2.cvtColor(w, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    fine, broad = (cv2.GaussianBlur(grey, (0, 0), s) for s in (0.6, 1.2))
    ink = 1 + np.tanh(rng.uniform(5, 15) * (fine + rng.uniform(2, 8) * (fine - broad) - 0.4))
    return cv2.cvtColor(_rounded(ink.clip(0, 1) * 255), cv2.COLOR_GRAY2RGB)


def _shaded(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    """Light that falls off to one side."""
    corners = np.exp(rng.normal(0, 0.35 * k, (2, 2))).astype(np.float32)
    light = cv2.resize(corners, (WINDOW, WINDOW), interpolation=cv2.INTER_LINEAR)
    return _rounded(w * light[..., None])


def _covered(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    """Up to three boxes of a colour or of noise."""
    w = w.copy()
    for _ in range(rng.integers(1, 4)):
        height, width = (rng.uniform(0.06, 0.3, 2) * k * WINDOW).astype(int) + 1
        y, x = rng.integers(0, WINDOW - height), rng.integers(0, WINDOW - width)
        noisy = rng.random() < 0.3
        fill = rng.integers(0, 256, (height, width, 3)) if noisy else _colour(rng)
        w[y : y + height, x : x + width] = fill
    return w


def _streaked(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    """Lines across, as strands of hair."""
    w = w.copy()
    for _ in range(rng.integers(1, 6)):
        start, end = (tuple(int(v) for v in rng.integers(0, WINDOW, 2)) for _ in range(2))
        cv2.line(w, start, end, _colour(rng), int(rng.integers(1, 4)), cv2.LINE_AA)
    return w


def _blurred(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    return cv2.GaussianBlur(w, (0, 0), rng.uniform(0.3, 0.3 + 1.7 * k))


def _coarse(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    """Fewer pixels, enlarged again."""
    side = int(WINDOW * rng.uniform(1 - 0.7 * k, 1))
    small = cv2.resize(w, (side, side), interpolation=cv2.INTER_AREA)
    method = int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    return cv2.resize(small, (WINDOW, WINDOW), interpolation=method)


def _noisy(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    grey = rng.random() < 0.5
    noise = rng.normal(0, rng.uniform(2, 2 + 25 * k), w.shape[:2] + ((1,) if grey else (3,)))
    return _rounded(w + noise)


def _compressed(w: NDArray[np.uint8], rng: np.random.Generator, k: float) -> NDArray[np.uint8]:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(90 - 75 * k, 90))]
    return cv2.imdecode(cv2.imencode(".jpg", w, quality)[1], cv2.IMREAD_COLOR)


def _rounded(values: NDArray) -> NDArray[np.uint8]:
    return (values + 0.5).clip(0, 255).astype(np.uint8)


_CHANGES = (
    (_recoloured, 0.5),
    (_toned, 0.6),
    (_shaded, 0.3),
    (_greyed, 0.25),
    (_inked, 0.08),
    (_inverted, 0.06),
    (_covered, 0.35),
    (_streaked, 0.2),
    (_coarse, 0.2),
    (_blurred, 0.25),
    (_noisy, 0.3),
    (_compressed, 0.2),
)
