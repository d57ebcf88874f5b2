"""A picture in a medium."""

from __future__ import annotations

from functools import partial

import numpy as np

from hasnet_models.errors import UsageError
from hasnet_models.medium import scale
from hasnet_models.medium.base import Band, Medium
from hasnet_models.medium.scale import UNIT, Field
from hasnet_models.medium.scene import Scene
from hasnet_models.opencv import cv2
from hasnet_models.threads import side_by_side
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
        picture: (H, W, 3), RGB: float32 0..1, where what is not finite or outside counts as the
            nearest, or uint8, of which only some rows at once are brought to float32.
        medium: with its parameters.
        strength: 0 gives the picture to the bit, 1 the medium, up to 1.5 more than it.
        zones: float32 (6, h, w), soft maps that sum to 1, of the whole picture: skin, lips, eyes,
            hair, below, rest. Strokes are finer at eyes and lips, coarser in the rest. None: even.
        seed: of strokes and grain; the same gives the same bytes.
        side: of the face's frame in px; the picture's longer side by default.

    Returns:
        (H, W, 3), of the type of the picture.

    Raises:
        UsageError: the strength is out of range.
        ValueError: picture or zones have another shape.
    """
    check(picture, strength, zones)
    if strength == 0:
        return picture.copy()
    longer = max(picture.shape[:2])
    side = max(longer if side is None else side, longer / _SMALLEST_SHARE)
    if side >= UNIT:
        return _laid(picture, medium, strength, Scene.of(picture, side, zones, seed))
    # a small picture: at the least size at which strokes are pixels wide, then shrunk
    shape = tuple(max(1, round(length * UNIT / side)) for length in picture.shape[:2])
    large = scale.resize(scale.unit(picture), shape).clip(0, 1)
    laid = _laid(large, medium, strength, Scene.of(large, UNIT, zones, seed))
    return _typed(scale.resize(laid, picture.shape[:2]), picture.dtype)


def check(picture: Field, strength: float, zones: Field | None) -> None:
    """Refuse what `apply` cannot take; raises as it does."""
    fits = picture.ndim == 3 and picture.shape[-1] == 3 and picture.size > 0
    if not fits or picture.dtype not in (np.float32, np.uint8):
        raise ValueError(
            f"expected a float32 or uint8 (H, W, 3) picture, got {picture.dtype} {picture.shape}"
        )
    if zones is not None and (zones.ndim != 3 or len(zones) != len(ZONES)):
        raise ValueError(f"expected (6, h, w) zone maps, got {zones.shape}")
    if not 0 <= strength <= GREATEST_STRENGTH:
        raise UsageError(f"The medium's strength is 0 to {GREATEST_STRENGTH:g}, not {strength:g}.")


def _laid(picture: Field, medium: Medium, strength: float, scene: Scene) -> Field:
    """The medium over a picture, band by band."""
    fields = medium.fields(scene)
    height, width = picture.shape[:2]
    rows = min(height, max(1, _PIXELS // width))
    out = np.empty_like(picture)

    def lay(top: int) -> None:
        band = slice(top, min(top + rows, height))
        parts = {
            name: scale.part(field, scene.factor, width, band) for name, field in fields.items()
        }
        rgb = scale.unit(picture[band])
        laid = medium.lay(Band(rgb, parts))
        mixed = cv2.addWeighted(rgb, 1 - strength, laid, strength, 0)
        out[band] = _typed(np.clip(mixed, 0, 1, out=mixed), picture.dtype)

    tops = range(0, height, rows)
    side_by_side(partial(lay, top) for top in tops)
    return out


def _typed(rgb: Field, dtype: np.dtype) -> np.ndarray:
    """A picture of 0..1 as a picture of that type."""
    return rgb if dtype == np.float32 else (rgb * np.float32(255) + np.float32(0.5)).astype(dtype)
