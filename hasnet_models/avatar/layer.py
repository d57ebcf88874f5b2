"""The medium of an avatar: laid after X_TT, at the size of what is written.

Strokes go by the zones of the face as it is shaped: finer at eyes and lips, coarser in hair and
clothes, coarsest behind. Their seed is the face's own pixels, so that the same photo has the same
strokes at every size, alone or in a batch; whoever follows a face through a clip gives it one.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hasnet_models.avatar.look import Look
from hasnet_models.avatar.steps import Steps
from hasnet_models.face.align import resample, resized
from hasnet_models.face.paste import feathered_mask
from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import CROP_SIZE, from_scaled, invert, rescaled, scale_of
from hasnet_models.medium import Medium, apply, to_table
from hasnet_models.opencv import cv2
from hasnet_models.plugins import Domain
from hasnet_models.plugins.media import medium_called, medium_of
from hasnet_models.topology.zones import ZONES

Pixels = NDArray[np.uint8]
Maps = NDArray[np.float32]

LARGEST = 4096  # side in px of a face that is pasted
_CELLS = 32  # of a face's zone maps, in a photo's
_MOST_CELLS = 1024  # of a photo's zone maps, along a side
_REST = ZONES.index("rest")


@dataclass(frozen=True)
class Layer:
    """A medium, and how strongly it is laid: over 0, up to 1.5."""

    medium: Medium
    strength: float

    def on_face(self, avatar: Pixels, steps: Steps) -> Pixels:
        """An avatar, uint8 (S, S, 3) of any side, in the medium, with the zones of its steps."""
        return apply(avatar, self.medium, self.strength, steps.zones, _seed(steps))

    def on_photo(self, rgb: Pixels, faces: Sequence[AlignedFace], steps: Sequence[Steps]) -> Pixels:
        """A whole photo (H, W, 3) in the medium; strokes are of the size of the first face.

        A medium that simplifies the ground, where networks leave smears, does not do so here: all
        around the face, bodies too, is the photo's own.
        """
        maps = zones_in_photo(rgb.shape[:2], faces, [one.zones for one in steps])
        side = frame_side(faces[0])
        medium = replace(self.medium, depth=0.0) if hasattr(self.medium, "depth") else self.medium
        return apply(rgb, medium, self.strength, maps, _seed(steps[0]), side)

    def table(self) -> dict[str, Any]:
        """Kind, parameters and strength, as numbers and texts."""
        return to_table(self.medium) | {"strength": self.strength}


def layer_of(look: Look, domain: Domain | None) -> Layer | None:
    """The medium that a look wants, or the domain's own; None for none.

    Where the user chose colours, graphite becomes coloured pencils: a medium that keeps a share
    of the picture's `colour` keeps all of it.

    Args:
        domain: whose medium it is; None where the user named none.

    Raises:
        UsageError: there is no medium of that name.
        DomainError: the domain's manifest has a medium that does not exist, or wrong parameters.
        PluginError: the plugin that provides it is broken.
    """
    kind = look.medium_kind
    medium = medium_of(domain) if kind is None else medium_called(kind, domain)
    if medium is None or not look.medium_strength:
        return None
    if look.in_colour and hasattr(medium, "colour"):
        medium = replace(medium, colour=1.0)
    return Layer(medium, look.medium_strength)


def for_paste(avatar: Pixels, aligned: AlignedFace) -> Pixels:
    """An avatar (S, S, 3) as large as its frame is in the photo, at least as it is."""
    side = min(max(len(avatar), round(frame_side(aligned))), LARGEST)
    return resized(avatar, side)


def frame_side(aligned: AlignedFace) -> float:
    """Side of a face's frame in its photo, px."""
    return CROP_SIZE / scale_of(aligned.matrix)


def zones_in_photo(
    shape: tuple[int, int], faces: Sequence[AlignedFace], zones: Sequence[Maps | None]
) -> Maps:
    """The zones of a photo, float32 (6, h, w): those of its faces, and "rest" around them."""
    k = min(_CELLS / max(frame_side(faces[0]), 1), 1, _MOST_CELLS / max(shape))
    height, width = (max(1, round(length * k)) for length in shape)
    found = np.zeros((len(ZONES), height, width), np.float32)
    for aligned, maps in zip(faces, zones, strict=True):
        if maps is None:
            continue
        side = maps.shape[-1]
        # photo to crop, for a photo k times as large and a crop of `side` px
        matrix = rescaled(from_scaled(aligned.matrix, k), side / CROP_SIZE)
        soft = feathered_mask(side)
        for zone, plane in zip(found, maps * soft, strict=True):
            seen = resample(plane, invert(matrix), width, height, cv2.BORDER_CONSTANT)
            np.maximum(zone, seen.clip(0, 1), out=zone)
    found[_REST] = 0
    found /= np.maximum(found.sum(0), 1)
    found[_REST] = (1 - found.sum(0)).clip(0)
    return found


def _seed(steps: Steps) -> int:
    if steps.seed is not None:
        return steps.seed
    return zlib.crc32(np.ascontiguousarray(steps.source))
