"""Zones of a photo to the pixel: hair, skin and clothes told apart by their colours.

The mesh knows where the face ends, the person mask where the ground begins. Between them
`topology.zones` calls hair what lies above the chin and below what lies under it. A user who dyes
the hair wants neither ears nor neck dyed, and long hair to its ends. So the colours of the person
outside the face are taken for a mixture of three normal distributions in Lab (the skin's, known
from the cheeks, the hair's and the clothes'), found by expectation and maximisation from those
zones, and the shares are brought to the photo's edges by a guided filter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.face.matte import guided
from hasnet_models.lab import to_lab
from hasnet_models.opencv import cv2
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.points import BROWS, CHIN, EYES, flat
from hasnet_models.topology.zones import ZONES, eye_line, zone_maps

SIDE = 256

_WORK = 128  # side at which colours are told apart
_ROUNDS = 6
_NOISE = np.diag([16.0, 4.0, 4.0])  # variance of L, a and b that any part of a face has
_FARTHEST = 25.0  # a colour that no part has is not decided by how far it is from each
_SKIN_CUT = 3.0  # log-likelihood below the median from which a cheek's pixel is a shadow
_SKIN_START = 9.0  # the same from which a pixel outside the face begins as no skin
_SKIN_PRIOR = 3.0  # odds beside hair above the chin, so that a scalp of its colour is skin
_FRINGE_DOUBT = 2.0  # log-odds against hair inside the face
_MOST_WHITE = 0.6  # share of a highlight in a pixel that is still skin
_LEAST = 0.003  # share of the picture that a part needs to have colours of its own
_CHIN_REACH = 0.06  # how softly clothes begin about the chin, in frames
_LIDS = (0.35, 0.7)  # values of the soft zone of the eyes that are lids, and the eye itself
_BROW_STEP = 0.01  # how softly a fringe ends at the brows
_RADIUS, _EPS = 0.015, 1e-3  # of the guided filter
_SKIN, _, _EYES, _HAIR, _BELOW, _ = range(len(ZONES))


def fine_zones(
    rgb: NDArray[np.uint8], points: ArrayLike | None, person: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """The zones of a picture, to the pixel.

    Unlike those of `topology.zones`, skin is with ears and neck, hair with brows and fringe and to
    its ends below the chin; eyes are what lies between the lids.

    Args:
        rgb: uint8 (S, S, 3), the aligned crop.
        points: its mesh (468, 3); None is the mean face.
        person: float32 (S, S) 0..1, or None, as for `zone_maps`.

    Returns:
        float32 (6, 256, 256), in the order of `ZONES`, 0..1, summing to 1.

    Raises:
        ValueError: points are not finite.
    """
    coarse = zone_maps(points, person, _WORK // 2)
    zones = np.stack([cv2.resize(zone, (_WORK, _WORK)) for zone in coarse]).astype(np.float64)
    lab = to_lab(cv2.resize(rgb, (_WORK, _WORK), interpolation=cv2.INTER_AREA)).astype(np.float64)
    heights = _heights(points)
    _tell_apart(zones, lab, heights)
    zones = between_lids(zones, points)
    guide = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    sharp = guided(zones.astype(np.float32), guide, _RADIUS, _EPS).clip(0, 1)
    return sharp / np.maximum(sharp.sum(0), 1e-6)


def between_lids(zones: NDArray, points: ArrayLike | None) -> NDArray:
    """Zones (6, H, H) whose eyes are without brows, which become hair, and without lids, skin."""
    found = zones.copy()
    brows = found[_EYES] * _logistic(_rows(_BROW_STEP, _heights(points).between, zones.shape[1]))
    rest = found[_EYES] - brows
    found[_EYES] = rest * ((rest - _LIDS[0]) / (_LIDS[1] - _LIDS[0])).clip(0, 1)
    found[_SKIN] += rest - found[_EYES]
    found[_HAIR] += brows
    return found


class _Heights(NamedTuple):
    """Lines across the frame, in fractions of it from its top."""

    brows: float
    between: float
    lids: float
    chin: float


class _Normal(NamedTuple):
    """A normal distribution of colours."""

    mean: NDArray
    precision: NDArray
    volume: float

    @classmethod
    def of(cls, lab: NDArray, weights: NDArray) -> _Normal:
        """That of weighted colours (H, W, 3)."""
        w = (weights / max(float(weights.sum()), 1e-9)).ravel()
        colours = lab.reshape(-1, 3)
        mean = w @ colours
        apart = colours - mean
        covariance = (apart * w[:, None]).T @ apart + _NOISE
        return cls(mean, np.linalg.inv(covariance), float(np.linalg.slogdet(covariance)[1]))

    def likelihood(self, lab: NDArray) -> NDArray:
        """The logarithm, up to a constant, for (H, W, 3); cut off where it is far."""
        apart = lab - self.mean
        distance = ((apart @ self.precision) * apart).sum(2)
        return np.maximum(-0.5 * (distance + self.volume), -_FARTHEST)


def _heights(points: ArrayLike | None) -> _Heights:
    outline = flat(mean_face() if points is None else points)
    brows, lids = ([outline[list(part), 1] for part in parts] for parts in (BROWS, EYES))
    return _Heights(
        float(np.mean([part.min() for part in brows])),
        float(np.mean([part.max() for part in brows]) + np.mean([p.min() for p in lids])) / 2,
        eye_line(points),
        float(outline[CHIN, 1]),
    )


def _rows(step: float, line: float, side: int = _WORK) -> NDArray:
    """(H, 1): how far each row lies above a line, in steps, at most 30."""
    rows = (np.arange(side) + 0.5) / side
    return ((line - rows) / step).clip(-30, 30)[:, None]


def _tell_apart(zones: NDArray, lab: NDArray, heights: _Heights) -> None:
    """Skin, hair and below among the person's pixels outside the face, and fringes in it."""
    skin = _skin(zones, lab, heights)
    outside = zones[_HAIR] + zones[_BELOW]
    parts = _mixture(zones, lab, skin, heights)
    hair = _Normal.of(lab, outside * parts[1])
    zones[_SKIN] += outside * parts[0]
    zones[_HAIR], zones[_BELOW] = outside * parts[1], outside * parts[2]
    likely = _logistic(hair.likelihood(lab) - _of_skin(skin, lab) - _FRINGE_DOUBT)
    fringe = zones[_SKIN] * likely * _logistic(_rows(_BROW_STEP, heights.brows))
    zones[_HAIR] += fringe
    zones[_SKIN] -= fringe


def _skin(zones: NDArray, lab: NDArray, heights: _Heights) -> _Normal:
    """The colours of the cheeks, shadows and beard left out."""
    core = zones[_SKIN] ** 4 * (_rows(_BROW_STEP, heights.lids) < 0)
    likely = _Normal.of(lab, core).likelihood(lab)
    sure = likely[core > core.max() / 2]
    return _Normal.of(lab, core * (likely > np.median(sure) - _SKIN_CUT))


def _of_skin(skin: _Normal, lab: NDArray) -> NDArray:
    """As `likelihood`; what is brighter than skin may be skin with a highlight, pale or not.

    A highlight adds the white of the light (the dichromatic model); cameras often hide that.
    """
    top = skin.mean[0]
    white = ((lab[..., :1] - top) / (100 - top)).clip(0, _MOST_WHITE)
    dull = np.minimum(lab[..., :1], top)
    found = (np.concatenate([dull, lab[..., 1:] / (1 - w)], axis=2) for w in (0 * white, white))
    return np.maximum(*(skin.likelihood(colours) for colours in found))


def _mixture(zones: NDArray, lab: NDArray, skin: _Normal, heights: _Heights) -> NDArray:
    """Shares of skin, hair and clothes (3, H, W) in each pixel, by colour and height."""
    outside = zones[_HAIR] + zones[_BELOW]
    above = _rows(_CHIN_REACH, heights.chin) + np.zeros_like(outside)
    flat_prior = np.full_like(outside, np.log(_SKIN_PRIOR))
    priors = np.stack([flat_prior, np.log(_logistic(above)), np.log(_logistic(-above))])
    of_skin = _of_skin(skin, lab)
    first = _logistic((of_skin + _SKIN_START) / 1.5)
    split = zones[[_HAIR, _BELOW]] / np.maximum(outside, 1e-9)
    parts = np.concatenate([first[None], split * (1 - first)])
    for _ in range(_ROUNDS):
        likely = [of_skin, *(_part(lab, outside * share) for share in parts[1:])]
        parts = _softmax(np.stack(likely) + priors)
    return parts


def _part(lab: NDArray, weights: NDArray) -> NDArray:
    """The likelihood of each colour in a part; a part that is hardly there has none."""
    if weights.sum() < _LEAST * weights.size:
        return np.full(weights.shape, -_FARTHEST)
    return _Normal.of(lab, weights).likelihood(lab)


def _logistic(x: NDArray) -> NDArray:
    return 1 / (1 + np.exp(-x.clip(-30, 30)))


def _softmax(logits: NDArray) -> NDArray:
    shares = np.exp(logits - logits.max(0))
    return shares / shares.sum(0)
