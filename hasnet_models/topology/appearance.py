"""Where on a face its colours lie: a small map on the mean frontal face, and its way to another.

The map is a reference's face, blurred and brought to the mean face by its mesh: what transfers
make-up by example (Guo and Sim 2009). It has 48 x 48 colours and is no picture of a person.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.lab import from_lab, to_lab
from hasnet_models.opencv import cv2
from hasnet_models.quantile import quantile
from hasnet_models.topology import thin_plate
from hasnet_models.topology.flow import TRAINING_GRID, cell_centres
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.points import BROWS, CONTROL, FACE_OVAL, flat
from hasnet_models.topology.pose import pose_of

# Rises when a face may get other colours in its map, so that what was kept of before is not taken.
VERSION = 1
SIDE = 48
EXTENT = 0.68  # side of the square of the frame that the map covers, symmetric to the mean face
CORNER = np.array([0.5 - EXTENT / 2, 0.24])

_SOURCE_SIDE = 64  # of the reference's picture before it is blurred
_BLUR = 1.0  # px at that side
_FACING = (0.1, 0.4)  # towards the viewer: hidden below, seen from here on (cosine)
_NEIGHBOURS = 12  # points that a normal is taken from
_MASK_SIDE = 256  # at which outlines are filled
_MASK_BLUR = 0.018  # of the oval's edge, in frames
_FADE = 0.07  # height over which the mask begins, in frames
_ABOVE_BROWS = 0.05  # where it begins, in frames
_LIGHTNESS = 0.5  # weight of lightness beside chroma in how far a map is from another
_EVENING = 0.8  # how much of side light is taken off
_BROAD = 4.0  # cells, the blur that leaves light and no features
_NOISE = 6.0  # distance in Lab that is nothing even in the most uniform domain
_FAR = (1.2, 2.4)  # spreads of the domain up to which a map is believed, and from which it is not
_ROUNDS = 16  # of the spatial median
_SPREAD_SHARE = 0.75  # of the domain's faces lie within its spread


def appearance_map(rgb: NDArray[np.uint8], points: ArrayLike) -> NDArray[np.uint8]:
    """The colours of a reference's face, where they lie on the mean face.

    Where the head is turned away, the mirrored half stands in for the side that is hidden.

    Args:
        rgb: uint8 (S, S, 3), the aligned reference.
        points: (468, 3), its mesh.

    Returns:
        uint8 (48, 48, 3), of the square of the frame at `CORNER` with the side `EXTENT`.

    Raises:
        ValueError: points are not finite, or lie all in one point.
    """
    seen = facing(points)
    shrinking = cv2.INTER_AREA if len(rgb) > _SOURCE_SIDE else cv2.INTER_LINEAR
    small = cv2.resize(rgb, (_SOURCE_SIDE, _SOURCE_SIDE), interpolation=shrinking)
    soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), _BLUR)
    places = _spline(mean_face(), points).at(map_places()).reshape(SIDE, SIDE, 2)
    return np.round(_both_halves(_sampled(soft, places), seen)).clip(0, 255).astype(np.uint8)


def placed(
    appearance: NDArray, points: ArrayLike, side: int, grid: int = TRAINING_GRID
) -> NDArray[np.float32]:
    """A map brought from the mean face to a mesh: the colours for a picture of it.

    Args:
        appearance: (48, 48, 3), uint8 or float32.
        points: (468, 3), a source's, as it is shaped (`shape.target`).
        side: of the picture.
        grid: cells along each side at which places are computed.

    Returns:
        float32 (side, side, 3) in the map's own range; only under `face_mask` does it mean
        anything.

    Raises:
        ValueError: points are not finite.
    """
    places = _spline(points, mean_face()).at(cell_centres(grid))
    fine = cv2.resize(places.reshape(grid, grid, 2), (side, side))
    return _sampled(appearance.astype(np.float32), (fine - CORNER.astype(np.float32)) / EXTENT)


def face_mask(points: ArrayLike, side: int) -> NDArray[np.float32]:
    """Where a map is laid on: the face oval with a soft edge, fading in from above the brows.

    Args:
        points: (468, 2 or more), of the face that it is laid on.
        side: of the picture.

    Returns:
        float32 (side, side), 0..1. Forehead and fringe stay free.

    Raises:
        ValueError: points are not finite.
    """
    outline = flat(points)
    canvas = np.zeros((_MASK_SIDE, _MASK_SIDE), np.uint8)
    oval = np.round(outline[list(FACE_OVAL)] * _MASK_SIDE - 0.5).astype(np.int32)
    cv2.fillPoly(canvas, [cv2.convexHull(oval)], 255)
    mask = cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), _MASK_BLUR * _MASK_SIDE)
    brows = min(outline[list(brow), 1].min() for brow in BROWS)
    rows = (np.arange(_MASK_SIDE, dtype=np.float32) + 0.5) / _MASK_SIDE
    mask *= _smoothstep((rows - (brows - _ABOVE_BROWS)) / _FADE)[:, None]
    shrinking = cv2.INTER_AREA if side < _MASK_SIDE else cv2.INTER_LINEAR
    return cv2.resize(mask, (side, side), interpolation=shrinking)


def mean_map(maps: ArrayLike) -> NDArray[np.uint8]:
    """A domain's map: the spatial median over those of its references (N, 48, 48, 3).

    Each cell's colour has the least sum of distances to theirs (Weiszfeld 1937): medians of single
    channels give, of few maps, colours that none of them has.

    Raises:
        ValueError: there are none.
    """
    colours = np.asarray(maps, np.float32)
    if not len(colours):
        raise ValueError("a domain's map needs at least one reference")
    middle = colours.mean(axis=0)
    for _ in range(_ROUNDS):
        weights = 1 / (np.linalg.norm(colours - middle, axis=3, keepdims=True) + 0.1)
        middle = (weights * colours).sum(axis=0) / weights.sum(axis=0)
    return np.round(middle).clip(0, 255).astype(np.uint8)


def spread(maps: ArrayLike, mean: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(48, 48): how far from their mean, in Lab, three quarters of a domain's maps lie.

    Args:
        maps: (N, 48, 48, 3), N >= 1.
        mean: their `mean_map`.
    """
    far = np.linalg.norm(deviation(np.asarray(maps, np.uint8), mean)[0], axis=3)
    return cv2.GaussianBlur(quantile(far, _SPREAD_SHARE).astype(np.float32), (0, 0), 2)


def believed(
    appearance: NDArray[np.uint8], mean: NDArray[np.uint8], usual: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """A reference's map without what does not belong to its face, such as coloured glasses.

    Where it is much farther from the domain's mean than the domain's faces are, the mean stands in
    for it, in the tint of this face.

    Args:
        appearance: (48, 48, 3), the reference's.
        mean: (48, 48, 3), the domain's.
        usual: (48, 48), the domain's `spread`.
    """
    own, tint = deviation(appearance, mean)
    share = 1 - _foreign(own, usual)[..., None]
    return from_lab(to_lab(mean) + tint + share * own / [_LIGHTNESS, 1, 1])


def strangeness(
    appearance: NDArray[np.uint8], mean: NDArray[np.uint8], usual: NDArray[np.float32]
) -> float:
    """How much of a reference's face `believed` takes from the domain's mean, 0..1."""
    own, _ = deviation(appearance, mean)
    return float(_foreign(own, usual)[_face_cells()].mean())


def one_sidedness(appearance: NDArray[np.uint8]) -> float:
    """How unlike its mirror image a face is, a mean distance in Lab: side light, fringes, hands."""
    lab = to_lab(appearance)
    return float(np.linalg.norm(lab - lab[:, ::-1], axis=2)[_face_cells()].mean())


def _foreign(own: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """(48, 48), 0..1: where a `deviation` is none of the domain's faces."""
    low, high = _FAR
    far = np.linalg.norm(own, axis=2) / (usual + _NOISE)
    # The rim of what is foreign, blurred into the face, is foreign too.
    far = cv2.GaussianBlur(cv2.dilate(far.astype(np.float32), np.ones((5, 5))), (0, 0), 1.5)
    return _smoothstep((far - low) / (high - low))


def evenly_lit(appearance: NDArray[np.uint8], amount: float = _EVENING) -> NDArray[np.uint8]:
    """A map (48, 48, 3) with less of the light that falls on one side: it is not the face's own.

    The broad half of the lightness that is not symmetric is taken off, by the amount 0..1.
    """
    lab = to_lab(appearance)
    broad = cv2.GaussianBlur(lab[..., 0], (0, 0), _BROAD)
    lab[..., 0] -= amount * (broad - broad[:, ::-1]) / 2
    return from_lab(lab)


def deviation(
    appearance: NDArray[np.uint8], mean: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How a map, or each of several, differs from another in Lab, lightness halved, without tint.

    Args:
        appearance: (..., 48, 48, 3).
        mean: (48, 48, 3).

    Returns:
        (..., 48, 48, 3), and the tint (..., 1, 1, 3): the median difference over the face, not
        halved.
    """
    difference = to_lab(appearance) - to_lab(mean)
    tint = _median(difference[..., _face_cells(), :])[..., None, :]
    return (difference - tint) * np.float32([_LIGHTNESS, 1, 1]), tint


def _median(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of (..., N, C) over N, which stays with a length of one."""
    middle = quantile(np.moveaxis(colours, -2, 0), 0.5)
    return middle.astype(np.float32)[..., None, :]


@lru_cache
def _face_cells() -> NDArray[np.bool_]:
    """(48, 48): which cells of a map lie on the mean face."""
    mask = face_mask(mean_face(), _MASK_SIDE)
    return _sampled(mask, map_places().reshape(SIDE, SIDE, 2)) > 0.5


def facing(points: ArrayLike) -> NDArray[np.float32]:
    """(48, 48): how far each place of the map turns to the viewer in a picture (cosine, -1..1)."""
    rotation = pose_of(points, mean_face()).rotation.astype(np.float32)
    return -(normals() @ rotation[2])


@lru_cache
def normals() -> NDArray[np.float32]:
    """(48, 48, 3): outward normals of the mean face, of the nearest point of the mesh, blurred."""
    mean = mean_face()
    gaps = np.linalg.norm(mean[:, None] - mean[None], axis=2)
    near = mean[np.argsort(gaps, axis=1)[:, :_NEIGHBOURS]]
    _, _, axes = np.linalg.svd(near - near.mean(1, keepdims=True))
    outward = axes[:, 2] * -np.sign(axes[:, 2, 2:])  # the front of a face looks to smaller z
    places = map_places()[:, None] - mean[None, :, :2].astype(np.float32)
    field = outward[np.square(places).sum(2).argmin(1)].reshape(SIDE, SIDE, 3)
    soft = cv2.GaussianBlur(field.astype(np.float32), (0, 0), 2.0)
    return soft / np.linalg.norm(soft, axis=2, keepdims=True)


def map_places() -> NDArray[np.float32]:
    """(48 * 48, 2): the middles of the map's cells, in fractions of the frame."""
    return cell_centres(SIDE) * np.float32(EXTENT) + CORNER.astype(np.float32)


def _both_halves(colours: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is hidden, and less so on the other side, is taken from there."""
    low, high = _FACING
    hidden = 1 - _smoothstep((seen - low) / (high - low))
    better = _smoothstep((seen[:, ::-1] - seen) / (high - low))
    share = (hidden * better)[..., None]
    return colours * (1 - share) + colours[:, ::-1] * share


def _spline(points: ArrayLike, target: ArrayLike) -> thin_plate.ThinPlate:
    """The map of the plane that brings points to others; it need not keep the frame's border."""
    return thin_plate.fit(flat(points)[CONTROL], flat(target)[CONTROL])


def _sampled(picture: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """A square picture at places (H, W, 2) in fractions of it."""
    spots = (places * len(picture) - 0.5).astype(np.float32)
    return cv2.remap(picture, spots, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _smoothstep(x: NDArray) -> NDArray[np.float32]:
    t = np.clip(x, 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)
