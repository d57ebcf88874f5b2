"""Six zones of a face picture, and which colours of a palette belong to which of them.

Zones are soft maps that sum to 1 at each place. A palette's shares say how much of each zone is
painted in each colour, so that skin is coloured in skin colours and hair in hair colours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.opencv import cv2
from hasnet_models.palette import shrink
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.points import BROWS, CHIN, EYES, OUTER_LIPS, flat
from hasnet_models.topology.zone_names import ZONES

# Rises when a face may get other zones or shares, so that what was kept of before is not taken.
VERSION = 1
SIDE = 32

_FINE = 256  # side at which outlines are filled
_WORK = 64  # side at which maps are blurred
_BLUR, _PERSON_BLUR = 1.2, 0.8  # px at that side
_LASHES = 0.012  # width of the rim around the lids that belongs to the eyes, in frames
_RING = np.array([1.5, 1.45])  # of the hair's outline, in sizes of the face's
_RING_LIFT = 0.15  # how far it lies above the face's, in heights of the face
_CHIN_LINE, _CHIN_STEP = 0.03, 0.02  # hair ends so far above the chin; softness of that step
_PERSON_SHARE = 0.8  # of the face that a person mask must hold to be believed
_SMALLEST_ZONE = 0.001  # share of the picture below which a zone has no colours of its own
_BITS = 4  # of a pixel's fraction, in OpenCV's drawing


def zone_maps(
    points: ArrayLike | None, person: NDArray[np.float32] | None = None, side: int = SIDE
) -> NDArray[np.float32]:
    """The zones of a picture.

    Skin is the face without lips and eyes, eyes are with lashes and brows, hair is what of the
    person lies outside the face and above the chin, below is neck and clothes.

    Args:
        points: (468, 2 or more), in fractions of the frame; None is the mean face.
        person: float32 (S, S) 0..1, how much of each pixel is a person (`face.person`). Without
            one, or where it leaves out the face, hair is a ring around the face and below is all
            that lies under the chin.
        side: of the maps, 64 or a divisor of it.

    Returns:
        float32 (6, side, side), in the order of `ZONES`, 0..1, summing to 1.

    Raises:
        ValueError: points are not finite.
    """
    outline = _outline(points)
    face = _filled([cv2.convexHull(outline)[:, 0]])
    eyes, lips = _eyes(outline), _filled([outline[list(OUTER_LIPS)]])
    lips = np.minimum(lips, face)
    eyes = np.minimum(eyes, face - lips)
    head, ground = _person(outline, face, person)
    above = _above_chin(outline)
    hair, below = (1 - face) * above * head, (1 - face) * (1 - above) * ground
    maps = [face - lips - eyes, lips, eyes, hair, below, 1 - face - hair - below]
    return np.stack([_reduced(zone.clip(0, 1), side) for zone in maps])


def holds_face(person: NDArray[np.float32], points: ArrayLike | None) -> bool:
    """Whether a person mask (S, S) knows the face that is there, so that it is to be believed."""
    return _holds(_small(person), _filled([cv2.convexHull(_outline(points))[:, 0]]))


def eye_line(points: ArrayLike | None) -> float:
    """The height of the lower lids, in fractions of the frame from its top."""
    outline = _outline(points)
    return float(np.mean([outline[list(eye), 1].max() for eye in EYES]))


def shares(
    rgb: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    zones: NDArray[np.float32],
    eyes_at: float | None = None,
) -> NDArray[np.float32]:
    """Of each zone's pixels the share that is nearest, in Lab, to each colour.

    Args:
        rgb: uint8 (S, S, 3), the picture the palette was taken from.
        palette: uint8 (N, 3).
        zones: (6, G, G), those of the picture.
        eyes_at: its `eye_line`: for skin only what lies below counts, since fringes hang over
            foreheads. None: that of the mean face.

    Returns:
        float32 (N, 6); each column sums to 1, a zone that is not in the picture has 1 / N.
    """
    small = shrink(rgb)
    side = len(small)
    # Squared, so that a pixel on a soft border counts where it mostly belongs.
    weights = np.stack([cv2.resize(zone, (side, side)) ** 2 for zone in zones])
    rows = (np.arange(side) + 0.5) / side
    weights[0] *= (rows > (eye_line(None) if eyes_at is None else eyes_at))[:, None]
    nearest = _nearest(small.reshape(-1, 3), palette)
    count = len(palette)
    sums = [np.bincount(nearest, zone, count) for zone in weights.reshape(len(ZONES), -1)]
    return np.stack([_share(colours, side**2) for colours in sums], axis=1)


def even_shares(colours: int) -> NDArray[np.float32]:
    """The shares (N, 6) of a palette of which nothing is known: 1 / N everywhere."""
    return np.full((colours, len(ZONES)), 1 / colours, np.float32)


def _share(colours: NDArray, pixels: int) -> NDArray[np.float32]:
    total = colours.sum()
    if total < _SMALLEST_ZONE * pixels:
        return np.full(len(colours), 1 / len(colours), np.float32)
    return (colours / total).astype(np.float32)


def _nearest(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(N,): which colour is nearest to each pixel (N, 3) in Lab; of equal ones the first."""
    spots, colours = _lab(pixels), _lab(palette)
    return ((colours * colours).sum(1) - 2 * spots @ colours.T).argmin(1)


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


def _outline(points: ArrayLike | None) -> NDArray[np.float32]:
    """x and y (468, 2) of the points, or of the mean face."""
    return flat(mean_face() if points is None else points).astype(np.float32)


def _eyes(outline: NDArray[np.float32]) -> NDArray[np.float32]:
    rims = [outline[list(eye)] for eye in EYES]
    return _filled([*rims, *(outline[list(brow)] for brow in BROWS)], rims)


def _filled(
    parts: list[NDArray[np.float32]], rims: list[NDArray[np.float32]] | None = None
) -> NDArray[np.float32]:
    """Polygons (N, 2) in fractions of the frame as one soft map (64, 64), some of them widened."""
    canvas = np.zeros((_FINE, _FINE), np.uint8)
    cv2.fillPoly(canvas, [_fixed(part) for part in parts], 255, cv2.LINE_8, _BITS)
    width = round(2 * _LASHES * _FINE)
    for rim in rims or []:
        cv2.polylines(canvas, [_fixed(rim)], True, 255, width, cv2.LINE_8, _BITS)
    small = cv2.resize(canvas, (_WORK, _WORK), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), _BLUR)


def _fixed(part: NDArray[np.float32]) -> NDArray[np.int32]:
    return np.round((part * _FINE - 0.5) * 2**_BITS).astype(np.int32)


def _person(
    outline: NDArray[np.float32], face: NDArray[np.float32], person: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What counts as hair if it lies above the chin, and as neck if below: two maps (64, 64)."""
    if person is not None:
        mask = _small(person)
        if _holds(mask, face):
            mask = cv2.GaussianBlur(mask, (0, 0), _PERSON_BLUR).clip(0, 1)
            return mask, mask
    hull = cv2.convexHull(outline)[:, 0]
    low, high = hull.min(0), hull.max(0)
    middle = (low + high) / 2
    ring = (hull - middle) * _RING + middle - [0, _RING_LIFT * (high - low)[1]]
    return _filled([ring.astype(np.float32)]), np.ones_like(face)


def _small(person: NDArray[np.float32]) -> NDArray[np.float32]:
    return cv2.resize(person, (_WORK, _WORK), interpolation=cv2.INTER_AREA)


def _holds(mask: NDArray[np.float32], face: NDArray[np.float32]) -> bool:
    return bool((mask * face).sum() >= _PERSON_SHARE * face.sum())


def _above_chin(outline: NDArray[np.float32]) -> NDArray[np.float32]:
    """(64, 1): 1 above the line near the chin, 0 below, with a soft step."""
    rows = (np.arange(_WORK, dtype=np.float32) + 0.5) / _WORK
    step = (outline[CHIN, 1] - _CHIN_LINE - rows) / _CHIN_STEP
    return (0.5 + 0.5 * np.tanh(step))[:, None]


def _reduced(zone: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return cv2.resize(zone, (side, side), interpolation=cv2.INTER_AREA)
