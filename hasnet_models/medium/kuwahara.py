"""Anisotropic Kuwahara filter with polynomial sector weights: flat dabs of colour, crisp edges.

Kyprianidis, Semmo, Kang and Doellner, "Anisotropic Kuwahara filtering with polynomial weighting
functions" (TPCG 2010). An ellipse along the flow is divided into eight overlapping sectors; each
pixel becomes the mean of the sectors, the even ones counting most. The weights are polynomials
of the position in the ellipse, so that a few samples of the ellipse serve all sectors, and the
sums are one product of two matrices, whatever the radius.
"""

from __future__ import annotations

import functools
from functools import partial

import numpy as np

from hasnet_models.medium.scale import Field, blur
from hasnet_models.medium.tangent_flow import Flow
from hasnet_models.opencv import cv2
from hasnet_models.threads import side_by_side

SECTORS = 8
_RINGS = ((0.45, 6), (0.85, 10))  # distance and number of the points around the centre
_OVERLAP = 3 * np.pi / 8  # half the opening of a sector: the paper's gamma
_CENTRE = 1 / 3  # the paper's zeta: how far a sector reaches past the centre
_FALLOFF = 2.0
_SPACING = 0.16  # of the radius: what a sample stands for
_CHUNK = 256  # pixels of one product of matrices
_PIXELS = 1 << 14  # filtered at once; what they need then stays in the cache


def kuwahara(rgb: Field, flow: Flow, radius: Field, sharpness: float) -> Field:
    """Filter a picture.

    Args:
        rgb: float32 (H, W, 3), 0..1.
        flow: of the same size; where its `edge` is 1 the ellipse is four times as
            long as wide.
        radius: of the ellipse where it is a circle, px, float32 (H, W).
        sharpness: the paper's q; 8 gives clear dabs, 2 soft ones.

    Returns:
        float32 (H, W, 3).
    """
    source = blur(rgb, _SPACING * float(radius.mean()))
    red, green, blue = cv2.split(source)
    source = cv2.merge([red, green, blue, red * red + green * green + blue * blue])
    step = max(1, _PIXELS // rgb.shape[1])
    bands = [slice(top, min(top + step, rgb.shape[0])) for top in range(0, rgb.shape[0], step)]
    done = side_by_side(partial(_band, source, flow, radius, sharpness, rows) for rows in bands)
    return np.concatenate(done)


def _band(source: Field, flow: Flow, radius: Field, sharpness: float, rows: slice) -> Field:
    shape = flow.x[rows].shape
    red, green, blue, square = _means(_samples(source, flow, radius, rows))
    variances = square - red * red - green * green - blue * blue
    trust = cv2.pow(np.maximum(variances * np.float32(255**2 / 3), 0), sharpness / 2)
    trust = 1 / (1 + trust)
    trust /= trust.sum(1, keepdims=True)
    count = shape[0] * shape[1]
    planes = [(trust * plane).sum(1).reshape(-1)[:count] for plane in (red, green, blue)]
    return cv2.merge(planes).reshape(*shape, 3)


def _samples(source: Field, flow: Flow, radius: Field, rows: slice) -> Field:
    """The source at the ellipses' points, float32 (chunks, points, _CHUNK * 4)."""
    x, y, r = flow.x[rows], flow.y[rows], radius[rows]
    shape, count = x.shape, x.size
    samples = np.zeros((len(_points()), count + -count % _CHUNK, 4), np.float32)
    taken = [sample[:count].reshape(*shape, 4) for sample in samples]
    taken[0][:] = source[rows]
    stretch = 1 + flow.edge[rows]
    long, short = r * stretch, r / stretch
    axes = (x * long, y * long), (-y * short, x * short)
    columns = np.broadcast_to(np.arange(shape[1], dtype=np.float32), shape)
    lines = np.broadcast_to(np.arange(rows.start, rows.stop, dtype=np.float32)[:, None], shape)
    pairs = zip(_points()[1::2], taken[1::2], taken[2::2], strict=True)
    for (u, v), there, opposite in pairs:
        dx, dy = (cv2.addWeighted(a, u, b, v, 0) for a, b in zip(*axes, strict=True))
        _take(source, columns + dx, lines + dy, there)
        _take(source, columns - dx, lines - dy, opposite)
    return samples.reshape(len(samples), -1, _CHUNK * 4).swapaxes(0, 1)


def _take(source: Field, x: Field, y: Field, out: Field) -> None:
    cv2.remap(source, x, y, cv2.INTER_LINEAR, out, borderMode=cv2.BORDER_REFLECT_101)


def _means(samples: Field) -> list[Field]:
    """Sector means of the four planes, float32 (chunks, SECTORS, _CHUNK) each."""
    # many small products: each stays in its thread, whatever the number of threads BLAS has
    planes = cv2.split((_weights() @ samples).reshape(-1, _CHUNK, 4))
    return [plane.reshape(-1, SECTORS, _CHUNK) for plane in planes]


@functools.cache
def _points() -> Field:
    """Samples of the unit disc, float32 (points, 2): its centre, then pairs of opposite ones."""
    found = [(0.0, 0.0)]
    for ring, (distance, count) in enumerate(_RINGS):
        angles = 2 * np.pi * (np.arange(count // 2) + 0.5 * (1 - ring)) / count
        for way in np.stack([np.cos(angles), np.sin(angles)], 1) * distance:
            found += [way, -way]
    return np.array(found, np.float32)


@functools.cache
def _weights() -> Field:
    """Share of each sample in each sector's mean, float32 (SECTORS, points); rows sum to 1."""
    x, y = _points().T.astype(np.float64)
    eta = (_CENTRE + np.cos(_OVERLAP)) / np.sin(_OVERLAP) ** 2
    rows = []
    for angle in 2 * np.pi * np.arange(SECTORS) / SECTORS:
        ahead = np.cos(angle) * x + np.sin(angle) * y
        aside = np.cos(angle) * y - np.sin(angle) * x
        rows.append(np.maximum(0, _CENTRE + ahead - eta * aside**2) ** 2)
    weights = np.array(rows) * np.exp(-_FALLOFF * (x**2 + y**2))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
