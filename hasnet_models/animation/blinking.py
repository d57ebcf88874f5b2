"""A blink: in each column of pixels the upper lid comes down to the lower one.

The lid's edge and its lashes move as they are; the skin between them and the brow is drawn out.
What the lid does not cover of the eye stays where it is. Large drawn eyes have no skin above them
that could cover them: their lids take the colour of the skin below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hasnet_models.animation.scene import Pixels, Scene
from hasnet_models.animation.timing import pulse, times
from hasnet_models.opencv import cv2
from hasnet_models.topology.points import BROWS, EYES

SECONDS = 2.4
_BEGINNINGS = (0.40, 1.36)  # seconds
_CLOSING, _CLOSED, _OPENING = 0.12, 0.06, 0.20  # seconds
_LOWER_LID = 8  # of an eye's outline: corner to corner along the lower lid, then back
_LOWER_BROW = 5  # of a brow's outline
_LASHES = 0.12  # of the eye's height below the lid's edge that move with it
_RIGID = 0.65  # share of the way from brow to lid from which all moves as it is
_BARE = 0.5  # of the eye's height: with less skin above, an eye is bare
_LINE = 0.15  # of the eye's height above the lid's edge that is its line at least
_BELOW = 0.15, 0.4  # where skin below an eye is looked at, in heights of the eye
_NOWHERE = -9.0  # a row outside of every picture, which is white
_EDGE = 1.5  # softness of the lid's edge, px of 512


def values() -> list[float]:
    """How far the eyes of each frame are closed, 0..1."""
    return [max(_closed(time - start) for start in _BEGINNINGS) for time in times(SECONDS)]


def _closed(since: float) -> float:
    """How far a blink is on, `since` seconds after its beginning."""
    return round(pulse(since, _CLOSING, _CLOSED, _OPENING), 4) if since > 0 else 0.0


def frame(scene: Scene, closed: float) -> Pixels:
    """The avatar with its eyes closed from 0 to 1, uint8 (S, S, 3)."""
    picture = scene.avatar
    if not closed:
        return picture
    lids = [lid_of(scene.goal, *pair, len(picture)) for pair in zip(EYES, BROWS, strict=True)]
    bare = any(lid.bare for lid in lids)  # both eyes in the same way
    for lid in lids:
        picture = with_lid(picture, replace(lid, bare=bare), closed)
    return picture


@dataclass(frozen=True, eq=False)
class Lid:
    """An upper lid, column by column, in px.

    Attributes:
        columns: their numbers.
        skin, edge, end: y of the upmost skin that moves, of the lid's edge, of the lower lid.
        bare: whether there is too little skin to cover the eye.
    """

    columns: NDArray[np.int64]
    skin: NDArray[np.float64]
    edge: NDArray[np.float64]
    end: NDArray[np.float64]
    bare: bool = False


def lid_of(points: NDArray, eye: tuple[int, ...], brow: tuple[int, ...], side: int) -> Lid:
    """The upper lid of an eye in a picture of a side; points (468, 3) in fractions of the frame."""
    places = np.asarray(points)[:, :2] * side - 0.5
    lower, upper = eye[: _LOWER_LID + 1], (*eye[_LOWER_LID:], eye[0])
    ends = places[[eye[0], eye[_LOWER_LID]], 0].clip(0, side - 1)
    columns = np.arange(int(np.ceil(ends.min())), int(np.floor(ends.max())) + 1)
    edge, end = (_along(places[list(lid)], columns) for lid in (upper, lower))
    end = np.maximum(end, edge)
    above = _along(places[list(brow[:_LOWER_BROW])], columns)
    tall = max((end - edge).max(initial=0), 1.0)
    if bare := bool(len(columns)) and np.median(edge - above) < _BARE * tall:
        above = edge - _LINE * tall
    return Lid(columns, np.minimum(above, edge - _LINE * tall), edge, end, bool(bare))


def _along(line: NDArray, columns: NDArray) -> NDArray[np.float64]:
    """y of a line of points (N, 2) at columns."""
    line = line[np.argsort(line[:, 0])]
    return np.interp(columns, line[:, 0], line[:, 1])


def with_lid(picture: Pixels, lid: Lid, closed: float) -> Pixels:
    """A picture (S, S, 3) with one eye closed from 0 to 1."""
    if not len(lid.columns):
        return picture
    side = len(picture)
    top = int(np.clip(np.floor(lid.skin.min()), 0, side - 1))
    bottom = int(np.clip(np.ceil(lid.end.max()) + 2, top + 1, side))
    rows = np.arange(top, bottom)
    source, cover = _from_where(lid, rows, closed, _EDGE * side / 512)
    across = np.ascontiguousarray(np.broadcast_to(lid.columns.astype(np.float32), source.shape))
    drawn = cv2.remap(
        picture, across, source, cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT if lid.bare else cv2.BORDER_REPLICATE,
        borderValue=(255, 255, 255),
    ).astype(np.float32)  # fmt: skip
    if lid.bare:
        drawn = np.minimum(drawn, _skin_below(picture, lid))
    region = (slice(top, bottom), slice(lid.columns[0], lid.columns[-1] + 1))
    result = picture.copy()
    mixed = picture[region] + cover[..., None] * (drawn - picture[region])
    result[region] = (mixed + 0.5).clip(0, 255).astype(np.uint8)
    return result


def _from_where(
    lid: Lid, rows: NDArray, closed: float, soft: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The row (R, C) that each row shows in each column, and how much of it, 0..1."""
    source = np.empty((len(rows), len(lid.columns)), np.float32)
    cover = np.empty_like(source)
    for i, (skin, edge, end) in enumerate(zip(lid.skin, lid.edge, lid.end, strict=True)):
        lashes = _LASHES * (end - edge)
        way = closed * (end - edge - lashes)
        before = np.linspace(skin, edge + lashes, 64)
        after = before + way * (1 if lid.bare else _moving((before - skin) / (edge - skin)))
        source[:, i] = np.interp(rows, after, before, left=_NOWHERE if lid.bare else None)
        cover[:, i] = ((edge + lashes + way - rows) / soft + 0.5).clip(0, 1)
        cover[:, i] *= ((rows - skin) / soft).clip(0, 1)
    return source, cover


def _skin_below(picture: Pixels, lid: Lid) -> NDArray[np.float32]:
    """The colour (1, C, 3) of the skin below an eye, column by column."""
    tall = (lid.end - lid.edge).max()
    first, last = (np.round(lid.end + k * tall).astype(int) for k in _BELOW)
    last = np.maximum(last, first + 1)
    columns = [
        picture[a:b, x].reshape(-1, 3).mean(0) if a < len(picture) else picture[-1, x]
        for a, b, x in zip(first, last, lid.columns, strict=True)
    ]
    colours = np.array(columns, np.float32)[None]
    return cv2.GaussianBlur(colours, (0, 0), max(tall / 6, 1), borderType=cv2.BORDER_REPLICATE)


def _moving(way: NDArray) -> NDArray:
    """How far skin moves with the lid, by its way from brow (0) to lid (1); smooth at the brow."""
    t = (way / _RIGID).clip(0, 1)
    return t * t * (3 - 2 * t)
