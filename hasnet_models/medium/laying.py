"""A picture in a medium."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hasnet_models.errors import UsageError
from hasnet_models.medium import scale
from hasnet_models.medium.base import THREADS, Band, Medium
from hasnet_models.medium.scale import UNIT, Field
from hasnet_models.medium.scene import Scene
from hasnet_models.opencv import cv2
from hasnet_models.topology.zones import ZONES

GREATEST_STRENGTH = 1.5
_PIXELS = 1 << 17  # of a band
_SMALLEST_SHARE = 4  # of the longer side: strokes of a smaller face would not be seen in it


def apply(
    picture: Field,
    medium: Medium,
    strength: float = 1.0,
    zones: Field | None = None,
    seed: int = 0,
    side: float | None = None,
) -> Field:
    """Give a picture the look of a medium.

    Args:
        picture: float32 (H, W, 3), RGB, 0..1; what is not finite or outside counts as the nearest.
        medium: with its parameters.
        strength: 0 gives the picture to the bit, 1 the medium, up to 1.5 more than it.
        zones: float32 (6, h, w), soft maps that sum to 1, of the whole picture: skin, lips, eyes,
            hair, below, rest. Strokes are finer at eyes and lips, coarser in the rest. None: even.
        seed: of strokes and grain; the same gives the same bytes.
        side: of the face's frame in px; the picture's longer side by default.

    Returns:
        float32 (H, W, 3), 0..1.

    Raises:
        UsageError: the strength is out of range.
        ValueError: picture or zones have another shape.
    """
    check(picture, strength, zones)
    if strength == 0:
        return picture.copy()
    clean = np.nan_to_num(picture, nan=0.5, posinf=1.0, neginf=0.0)
    np.clip(clean, 0, 1, out=clean)
    longer = max(picture.shape[:2])
    side = max(longer if side is None else side, longer / _SMALLEST_SHARE)
    if side >= UNIT:
        return _laid(clean, medium, strength, Scene.of(clean, side, zones, seed))
    # a small picture: at the least size at which strokes are pixels wide, then shrunk
    shape = tuple(max(1, round(length * UNIT / side)) for length in clean.shape[:2])
    large = scale.resize(clean, shape).clip(0, 1)
    laid = _laid(large, medium, strength, Scene.of(large, UNIT, zones, seed))
    return scale.resize(laid, clean.shape[:2])


def check(picture: Field, strength: float, zones: Field | None) -> None:
    """Refuse what `apply` cannot take; raises as it does."""
    fits = picture.ndim == 3 and picture.shape[-1] == 3 and picture.size > 0
    if not fits or picture.dtype != np.float32:
        raise ValueError(
            f"expected a float32 (H, W, 3) picture, got {picture.dtype} {picture.shape}"
        )
    if zones is not None and (zones.ndim != 3 or len(zones) != len(ZONES)):
        raise ValueError(f"expected (6, h, w) zone maps, got {zones.shape}")
    if not 0 <= strength <= GREATEST_STRENGTH:
        raise UsageError(f"The medium's strength is 0 to {GREATEST_STRENGTH:g}, not {strength:g}.")


def _laid(clean: Field, medium: Medium, strength: float, scene: Scene) -> Field:
    """The medium over a picture, band by band."""
    fields = medium.fields(scene)
    height, width = clean.shape[:2]
    rows = min(height, max(1, _PIXELS // width))
    out = np.empty_like(clean)

    def lay(top: int) -> None:
        band = slice(top, min(top + rows, height))
        parts = {
            name: scale.part(field, scene.factor, width, band) for name, field in fields.items()
        }
        laid = medium.lay(Band(clean[band], parts))
        mixed = cv2.addWeighted(clean[band], 1 - strength, laid, strength, 0)
        np.clip(mixed, 0, 1, out=out[band])

    tops = range(0, height, rows)
    with ThreadPoolExecutor(min(len(tops), THREADS)) as threads:
        list(threads.map(lay, tops))
    return out
