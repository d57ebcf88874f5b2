"""What a medium looks like in numbers: the statistics that `fit` compares.

Each is named, and taken from lightness at `SIDE` px, in the middle three quarters: edge energy over
four octaves (mean absolute band-pass, as in a Laplacian pyramid; Burt and Adelson 1983), the
coherence of orientation in each octave (structure tensor; Bigun and Granlund 1987), the histogram
of gradients (natural pictures have heavy tails; Ruderman 1994), and the power spectrum of the
grain in the flattest places.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np

from hasnet_models.medium.scale import Field, blur, luma, resize
from hasnet_models.opencv import cv2

SIDE = 256
OCTAVES = 4
_BINS = np.geomspace(0.004, 1.0, 13, dtype=np.float32)
_BLOCK = 16
_FLATTEST = 0.15
_BORDER = 0.125
_LEAST_GRAIN = 0.1 / 255
_RINGS = 4


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of one picture, or the mean of many.

    Attributes:
        edges: (OCTAVES,) mean absolute band-pass of each octave, fine to coarse, in units of
            lightness.
        coherence: (OCTAVES,) 0 where orientations are mixed, 1 where they agree.
        gradients: (14,) shares of the pixels by steepness, from flat to steep; sums to 1.
        grain: (4,) amplitude in the flattest blocks by frequency, coarse to fine.
    """

    edges: Field
    coherence: Field
    gradients: Field
    grain: Field

    @property
    def edge_energy(self) -> float:
        """Sum of the octaves: one number to compare a picture's and a domain's with."""
        return float(self.edges.sum())


def of(pictures: Iterable[Field]) -> Statistics:
    """Mean statistics of pictures, float32 (H, W, 3), 0..1, brought to SIDE px.

    Raises:
        ValueError: there is no picture.
    """
    found = [astuple(_one(picture)) for picture in pictures]
    if not found:
        raise ValueError("statistics of no picture")
    return Statistics(*(np.mean(values, axis=0) for values in zip(*found, strict=True)))


def distance(a: Statistics, b: Statistics) -> dict[str, float]:
    """How far two are apart, by statistic; each is near 1 where they have little in common."""
    floor = 2e-3
    return {
        "edges": _ratio(a.edges, b.edges, floor),
        "coherence": float(np.abs(a.coherence - b.coherence).mean()) * 2,
        "gradients": float(np.abs(np.cumsum(a.gradients) - np.cumsum(b.gradients)).mean()) * 4,
        "grain": _ratio(a.grain, b.grain, floor),
    }


def _ratio(a: Field, b: Field, floor: float) -> float:
    return float(np.abs(np.log((a + floor) / (b + floor))).mean())


def _one(picture: Field) -> Statistics:
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    shape = tuple(max(1, round(length * scale)) for length in (height, width))
    whole = luma(resize(picture, shape))
    gray, bands = _inner(whole), [_inner(band) for band in _bands(whole)]
    return Statistics(
        np.array([np.abs(band).mean() for band in bands]),
        np.array([_coherence(band, 2.0**octave) for octave, band in enumerate(bands)]),
        _gradients(gray),
        _grain(gray),
    )


def _inner(field: Field) -> Field:
    """The middle of a field: aligned faces often have a blurred border where their photo ended."""
    top, left = (round(length * _BORDER) for length in field.shape)
    return np.ascontiguousarray(field[top : field.shape[0] - top, left : field.shape[1] - left])


def _bands(gray: Field) -> list[Field]:
    levels = [gray, *(blur(gray, 0.8 * 2.0**octave) for octave in range(OCTAVES))]
    return [fine - coarse for fine, coarse in itertools.pairwise(levels)]


def _slopes(field: Field) -> tuple[Field, Field]:
    border = cv2.BORDER_REPLICATE
    gx = cv2.Sobel(field, cv2.CV_32F, 1, 0, scale=0.125, borderType=border)
    return gx, cv2.Sobel(field, cv2.CV_32F, 0, 1, scale=0.125, borderType=border)


def _coherence(band: Field, size: float) -> float:
    """Length of the mean double-angle vector against the mean length, near each pixel."""
    gx, gy = _slopes(band)
    c, s = blur(gx * gx - gy * gy, 2 * size), blur(2 * gx * gy, 2 * size)
    energy = blur(gx * gx + gy * gy, 2 * size)
    return float(np.sqrt(c * c + s * s).sum() / max(float(energy.sum()), 1e-9))


def _gradients(gray: Field) -> Field:
    gx, gy = _slopes(gray)
    bins = np.searchsorted(_BINS, np.sqrt(gx * gx + gy * gy).ravel())
    return np.bincount(bins, minlength=len(_BINS) + 1) / bins.size


def _grain(gray: Field) -> Field:
    """Amplitudes in the blocks whose broad part is flattest; zeros where no block fits."""
    rows, columns = (length // _BLOCK for length in gray.shape)
    if not rows * columns:
        return np.zeros(_RINGS)
    broad = blur(gray, _BLOCK / 4)
    blocks, broad_blocks = (_cut(field, rows, columns) for field in (gray - broad, broad))
    # a block without any grain is padding, no part of the picture
    spread = broad_blocks.std(axis=(1, 2)) + 10.0 * (blocks.std(axis=(1, 2)) < _LEAST_GRAIN)
    chosen = blocks[np.argsort(spread, kind="stable")[: max(1, int(len(spread) * _FLATTEST))]]
    window = np.hanning(_BLOCK)[:, None] * np.hanning(_BLOCK)[None]
    power = np.abs(np.fft.fft2(chosen * window)) ** 2 / (window**2).sum()
    frequency = np.fft.fftfreq(_BLOCK)
    radius = np.hypot(frequency[:, None], frequency[None]) * 2
    rings = np.minimum((radius * _RINGS).astype(int), _RINGS - 1)
    mean = power.mean(axis=0)
    return np.sqrt([mean[rings == ring].mean() for ring in range(_RINGS)])


def _cut(field: Field, rows: int, columns: int) -> Field:
    cut = field[: rows * _BLOCK, : columns * _BLOCK]
    cut = cut.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    return cut.reshape(-1, _BLOCK, _BLOCK)
