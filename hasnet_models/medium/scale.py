"""Lengths as fractions of a side, fields brought from one size to another, and seeded noise.

Every length of a medium is a fraction of the side, so that a picture of 256 px and one of
2,048 px look alike when scaled to one size. For the same reason noise lives on a lattice whose
cells are a fraction of the side: the same strokes lie in the same places at every size.
"""

from __future__ import annotations

import numpy as np

from hasnet_models.opencv import cv2

Field = np.ndarray
UNIT = 512  # lengths of a medium are in px of a face frame of so many
_REACH = 3.0
_EXACT_SIGMA = 4.0
_CUBIC_REACH = 2
_PIXELS = 1 << 20  # brought to float32 at once


def unit(rgb: np.ndarray) -> Field:
    """A picture (H, W, 3) as float32 0..1: uint8 is divided by 255, in float32 what is not finite
    or outside becomes the nearest.
    """
    if rgb.dtype == np.uint8:
        return rgb * np.float32(1 / 255)
    clean = np.nan_to_num(rgb, nan=0.5, posinf=1.0, neginf=0.0)
    return np.clip(clean, 0, 1, out=clean)


def luma(rgb: Field) -> Field:
    """Rec. 601 luma (H, W) of an RGB picture (H, W, 3), both float32 0..1."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def smoothstep(field: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, and a cubic between; float32 of the field's shape."""
    t = np.clip((field - low) * (1.0 / (high - low)), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def blur(field: Field, sigma: float) -> Field:
    """Gaussian of `sigma` px over (H, W) or (H, W, C); broad ones are taken on a shrunk field."""
    if sigma < 0.3:
        return field
    factor = int(sigma / _EXACT_SIGMA)
    if factor < 2:
        return _gaussian(field, sigma)
    height, width = field.shape[:2]
    small = resize(field, (max(1, round(height / factor)), max(1, round(width / factor))))
    return resize(_gaussian(small, sigma / factor), (height, width))


def _gaussian(field: Field, sigma: float) -> Field:
    size = 2 * int(np.ceil(_REACH * sigma)) + 1
    return cv2.GaussianBlur(field, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)


def resize(field: Field, shape: tuple[int, int]) -> Field:
    """Bring a field to (height, width): means of areas when shrinking, cubic when enlarging."""
    if field.shape[:2] == tuple(shape):
        return field
    shrinks = shape[0] * shape[1] < field.shape[0] * field.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(field, (shape[1], shape[0]), interpolation=method)


def shrunk(rgb: np.ndarray, factor: int) -> Field:
    """Means of squares of `factor` px; the last row and column are repeated where some are missing.

    Args:
        rgb: (H, W, 3), as `unit` takes it.
        factor: 1 or more.

    Returns:
        float32 (ceil(H / factor), ceil(W / factor), 3).
    """
    if factor == 1:
        return unit(rgb)
    rows = factor * max(1, _PIXELS // (rgb.shape[1] * factor))
    tops = range(0, rgb.shape[0], rows)
    return np.concatenate([_means(unit(rgb[top : top + rows]), factor) for top in tops])


def _means(rgb: Field, factor: int) -> Field:
    height, width = (-(-length // factor) for length in rgb.shape[:2])
    down, right = height * factor - rgb.shape[0], width * factor - rgb.shape[1]
    rgb = cv2.copyMakeBorder(rgb, 0, down, 0, right, cv2.BORDER_REPLICATE)
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def part(field: Field, factor: int, width: int, rows: slice) -> Field:
    """Rows of a field as if all of it had been enlarged by `factor` first.

    Args:
        field: float32 (h, w) or (h, w, C) of a picture that was `shrunk` by the factor.
        factor: 1 or more.
        width: of that picture, px.
        rows: which of its rows, start and stop.

    Returns:
        float32 (stop - start, width) or (stop - start, width, C); a view where the factor is 1.
        A field of one cell is one value for all rows and stays one cell.
    """
    if field.shape[:2] == (1, 1):
        return field
    if factor == 1:
        return field[rows]
    first = max(0, rows.start // factor - _CUBIC_REACH)
    last = min(field.shape[0], -(-rows.stop // factor) + _CUBIC_REACH)
    size = (field.shape[1] * factor, (last - first) * factor)
    large = cv2.resize(field[first:last], size, interpolation=cv2.INTER_CUBIC)
    start = rows.start - first * factor
    return large[start : start + rows.stop - rows.start, :width]


def spread(field: Field) -> Field:
    """A field (H, W) as three equal planes (H, W, 3)."""
    return cv2.merge([field, field, field])


def noise(shape: tuple[int, int], side: float, cell: float, seed: int, layer: int = 0) -> Field:
    """White noise on a lattice, enlarged smoothly or averaged to the picture's size.

    Args:
        shape: (H, W) in px.
        side: the length in px that `cell` is a fraction of.
        cell: side of a lattice cell.
        seed: of the picture.
        layer: tells apart the noises of one picture.

    Returns:
        float32 (H, W), mean 0; deviation near 1 where a cell is a pixel, less where it is smaller.
    """
    lattice = tuple(max(2, round(length / (side * cell))) for length in shape)
    values = np.random.default_rng((seed, layer)).random(lattice, dtype=np.float32)
    return resize((values - 0.5) * np.float32(np.sqrt(12.0)), shape)
