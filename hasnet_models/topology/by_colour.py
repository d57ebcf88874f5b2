"""Zones of a photo by its colours: skin, hair and clothes told apart.

The mesh knows where the face ends, the person mask where the ground begins. Between them
`topology.zones` calls hair what lies above the chin and below what lies under it, so that a bald
head, a high forehead, ears and a neck would be painted in colours of hair and clothes. So the
colours of the person outside the face are taken for a mixture of three normal distributions in Lab
(the skin's, known from the cheeks, the hair's and the clothes'), found by expectation and
maximisation from those zones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hasnet_models.lab import to_lab
from hasnet_models.opencv import cv2
from hasnet_models.quantile import quantile
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.points import BROWS, CHIN, EYES, flat
from hasnet_models.topology.zones import SIDE, ZONES, eye_line, zone_maps

VERSION = 1  # of the zones for a picture: what training keeps of one depends on it
BROW_STEP = 0.01  # how softly a fringe ends at the brows, in frames

_WORK = 64  # side at which colours are told apart where zones need not be fine
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
_SKIN, _, _, _HAIR, _BELOW, _ = range(len(ZONES))


def seen_zones(
    rgb: NDArray[np.uint8], points: ArrayLike | None, person: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """The zones of a photo for RT-Net and the medium, by its colours where a person is known.

    Without a person mask hair is only a ring, in which the ground is too: then as `zone_maps`.

    Args:
        rgb: uint8 (S, S, 3), the aligned crop.
        points: its mesh (468, 3); None is the mean face.
        person: float32 (S, S) 0..1, one that `holds_face`; or None.

    Returns:
        float32 (6, 32, 32), in the order of `ZONES`, 0..1, summing to 1.

    Raises:
        ValueError: points are not finite.
    """
    if person is None:
        return zone_maps(points, person)
    told = told_apart(rgb, zone_maps(points, person, _WORK), points)
    return np.stack([cv2.resize(zone, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for zone in told])


def told_apart(
    rgb: NDArray[np.uint8], zones: NDArray[np.float32], points: ArrayLike | None
) -> NDArray[np.float32]:
    """Zones (6, H, H) of a crop whose skin, hair and clothes are where their colours are.

    Skin is then with ears, neck and scalp, hair with a fringe and to its ends below the chin.

    Args:
        rgb: uint8 (S, S, 3) of any size.
        zones: those of `topology.zones.zone_maps`, brought to any side.
        points: its mesh (468, 3); None is the mean face.
    """
    side = zones.shape[1]
    small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
    told = zones.astype(np.float64)
    _tell_apart(told, to_lab(small).astype(np.float64), Heights.of(points))
    return told.astype(np.float32)


class Heights(NamedTuple):
    """Lines across the frame, in fractions of it from its top."""

    brows: float
    between: float
    lids: float
    chin: float

    @classmethod
    def of(cls, points: ArrayLike | None) -> Heights:
        """Those of a mesh (468, 3), or of the mean face."""
        outline = flat(mean_face() if points is None else points)
        brows, lids = ([outline[list(part), 1] for part in parts] for parts in (BROWS, EYES))
        return cls(
            float(np.mean([part.min() for part in brows])),
            float(np.mean([p.max() for p in brows]) + np.mean([p.min() for p in lids])) / 2,
            eye_line(points),
            float(outline[CHIN, 1]),
        )


def above(line: float, step: float, side: int) -> NDArray[np.float64]:
    """(side, 1), 0..1: how far each row of a map lies above a line, with a step so soft."""
    return _logistic(_rows(line, step, side))


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


def _rows(line: float, step: float, side: int) -> NDArray:
    """(H, 1): how far each row lies above a line, in steps, at most 30."""
    rows = (np.arange(side) + 0.5) / side
    return ((line - rows) / step).clip(-30, 30)[:, None]


def _tell_apart(zones: NDArray, lab: NDArray, heights: Heights) -> None:
    """Skin, hair and below among the person's pixels outside the face, and fringes in it."""
    skin = _skin(zones, lab, heights)
    outside = zones[_HAIR] + zones[_BELOW]
    parts = _mixture(zones, lab, skin, heights)
    hair = _Normal.of(lab, outside * parts[1])
    zones[_SKIN] += outside * parts[0]
    zones[_HAIR], zones[_BELOW] = outside * parts[1], outside * parts[2]
    likely = _logistic(hair.likelihood(lab) - _of_skin(skin, lab) - _FRINGE_DOUBT)
    fringe = zones[_SKIN] * likely * above(heights.brows, BROW_STEP, len(lab))
    zones[_HAIR] += fringe
    zones[_SKIN] -= fringe


def _skin(zones: NDArray, lab: NDArray, heights: Heights) -> _Normal:
    """The colours of the cheeks, shadows and beard left out."""
    core = zones[_SKIN] ** 4 * (_rows(heights.lids, BROW_STEP, len(lab)) < 0)
    likely = _Normal.of(lab, core).likelihood(lab)
    sure = likely[core > core.max() / 2]
    return _Normal.of(lab, core * (likely > quantile(sure, 0.5) - _SKIN_CUT))


def _of_skin(skin: _Normal, lab: NDArray) -> NDArray:
    """As `likelihood`; what is brighter than skin may be skin with a highlight, pale or not.

    A highlight adds the white of the light (the dichromatic model); cameras often hide that.
    """
    top = skin.mean[0]
    white = ((lab[..., :1] - top) / max(100 - top, 1e-6)).clip(0, _MOST_WHITE)
    dull = np.minimum(lab[..., :1], top)
    found = (np.concatenate([dull, lab[..., 1:] / (1 - w)], axis=2) for w in (0 * white, white))
    return np.maximum(*(skin.likelihood(colours) for colours in found))


def _mixture(zones: NDArray, lab: NDArray, skin: _Normal, heights: Heights) -> NDArray:
    """Shares of skin, hair and clothes (3, H, W) in each pixel, by colour and height."""
    outside = zones[_HAIR] + zones[_BELOW]
    higher = _rows(heights.chin, _CHIN_REACH, len(lab)) + np.zeros_like(outside)
    flat_prior = np.full_like(outside, np.log(_SKIN_PRIOR))
    priors = np.stack([flat_prior, np.log(_logistic(higher)), np.log(_logistic(-higher))])
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
