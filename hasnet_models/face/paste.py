"""Avatars back into the photo: inverse warp under a feathered mask, colours meeting at the border.

An avatar's colours are another world's. At the rim of its frame their low frequencies are brought
to the photo's, over twice the width of the feather, so that the mask has little left to hide.
Where frames of several faces overlap, each pixel belongs to the face that is nearer in units of
that face's size; a neighbour's frame never covers a face.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.align import resample, resized
from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import CROP_SIZE, invert, rescaled, transform
from hasnet_models.opencv import cv2

DEFAULT_FEATHER = 0.12
_COLOUR_REACH = 2.0  # of the colours' meeting, in feathers
_COLOUR_SIGMA = 0.06  # what counts as low frequency, as a share of the side
_COLOUR_SIDE = 128  # px at which low frequencies are found: finer, they are the same and dear
_ROWS = 256  # blended at once
_SEAM = 0.03  # softness of the line between two faces, as a share of the side


def paste(
    rgb: NDArray[np.uint8],
    avatar: NDArray[np.uint8],
    aligned: AlignedFace,
    feather: float = DEFAULT_FEATHER,
) -> NDArray[np.uint8]:
    """Put an avatar where its face was cut out.

    Args:
        rgb: uint8 (H, W, 3), the photo.
        avatar: uint8 (S, S, 3), of the frame of `aligned`; any side S.
        aligned: where it belongs.
        feather: width of the soft border, as a share of the side, 0..0.5.

    Returns:
        A new uint8 (H, W, 3); equal to the photo outside of the frame.
    """
    return paste_all(rgb, [avatar], [aligned], feather)


def paste_all(
    rgb: NDArray[np.uint8],
    avatars: Sequence[NDArray[np.uint8]],
    faces: Sequence[AlignedFace],
    feather: float = DEFAULT_FEATHER,
) -> NDArray[np.uint8]:
    """Put several avatars where their faces were cut out; arguments as those of `paste`."""
    result = rgb.copy()
    for i, (avatar, aligned) in enumerate(zip(avatars, faces, strict=True)):
        _blend(result, meeting(avatar, aligned.crop, feather), aligned, feather, faces[:i])
    return result


def paste_masks(
    mask: NDArray[np.float32],
    masks: Sequence[NDArray[np.uint8]],
    faces: Sequence[AlignedFace],
    feather: float = DEFAULT_FEATHER,
) -> NDArray[np.float32]:
    """A photo's mask (H, W) 0..1 with those of its avatars, uint8 (S, S), where `paste_all` puts
    them; other arguments as those of `paste`.
    """
    result = np.round(mask * 255).astype(np.uint8)
    for i, (one, aligned) in enumerate(zip(masks, faces, strict=True)):
        _blend(result, one, aligned, feather, faces[:i])
    return result.astype(np.float32) / 255


def _blend(
    result: NDArray[np.uint8],
    picture: NDArray[np.uint8],
    aligned: AlignedFace,
    feather: float,
    before: Sequence[AlignedFace],
) -> None:
    """Put a picture (S, S, 3) or a mask (S, S) of one frame into another, beside those `before`."""
    size = picture.shape[0]
    back = invert(rescaled(aligned.matrix, size / CROP_SIZE))
    left, top, right, bottom = _bounds(back, size, result.shape[:2])
    if left >= right or top >= bottom:  # a frame wholly beyond the photo
        return
    back[:, 2] -= [left, top]
    width, height = right - left, bottom - top
    face = resample(picture, back, width, height, cv2.BORDER_REPLICATE)
    mask = resample(feathered_mask(size, feather), back, width, height, cv2.BORDER_CONSTANT)
    mask = mask.clip(0, 1)
    if before:
        mask = mask * _share(aligned, before, (left, top, width, height))
    region = result[top:bottom, left:right]
    mask = mask if region.ndim == 2 else mask[..., None]
    for first in range(0, height, _ROWS):  # float32 arrays of a large region are larger than it
        rows = slice(first, first + _ROWS)
        share = mask[rows]
        mixed = face[rows] * share + region[rows] * (1 - share) + 0.5
        region[rows] = mixed.astype(np.uint8)


def meeting(
    avatar: NDArray[np.uint8], crop: NDArray[np.uint8], feather: float = DEFAULT_FEATHER
) -> NDArray[np.uint8]:
    """The avatar (S, S, 3) whose colours become those of its photo's crop towards the rim."""
    size = avatar.shape[0]
    if size <= CROP_SIZE:
        return (avatar + _gap(avatar, crop, feather) + 0.5).clip(0, 255).astype(np.uint8)
    # low frequencies need no large arrays: the crop itself has no more pixels
    gap = np.round(_gap(resized(avatar, CROP_SIZE), crop, feather)).astype(np.int16)
    gap = cv2.resize(gap, (size, size), interpolation=cv2.INTER_LINEAR)
    return cv2.add(avatar, gap, dtype=cv2.CV_8U)


def _gap(avatar: NDArray[np.uint8], crop: NDArray[np.uint8], feather: float) -> NDArray[np.float32]:
    """What to add to an avatar (S, S, 3) for that."""
    size = avatar.shape[0]
    side = min(size, _COLOUR_SIDE)
    small = (
        cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
        for one in (crop, avatar)
    )
    gap = np.subtract(*small)
    sigma = max(1.0, _COLOUR_SIGMA * side)
    gap = cv2.GaussianBlur(gap, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    gap = cv2.resize(gap, (size, size), interpolation=cv2.INTER_LINEAR)
    return gap * (1 - feathered_mask(size, min(0.5, feather * _COLOUR_REACH))[..., None])


def feathered_mask(size: int, feather: float = DEFAULT_FEATHER) -> NDArray[np.float32]:
    """float32 (size, size): 1 inside, falling to 0 at the edges along a raised cosine."""
    distance = (np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5) / size
    share = np.clip(distance / max(feather, 1 / size), 0, 1)
    ramp = 0.5 - 0.5 * np.cos(np.pi * share)
    return np.outer(ramp, ramp).astype(np.float32)


def _share(
    aligned: AlignedFace, before: Sequence[AlignedFace], region: tuple[int, int, int, int]
) -> NDArray[np.float32]:
    """How much of each pixel of a region of the photo is this face's, 0..1."""
    others = np.min([_distance(other, region) for other in before], axis=0)
    lead = (others - _distance(aligned, region)) / _SEAM
    return (0.5 + 0.5 * np.tanh(lead)).astype(np.float32)


def _distance(aligned: AlignedFace, region: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """From the middle of the face to each pixel of a region, as a share of the frame's side."""
    left, top, width, height = region
    m = aligned.matrix.astype(np.float32)
    x, y = np.arange(left, left + width), np.arange(top, top + height)[:, None]
    middle = (CROP_SIZE - 1) / 2
    u = m[0, 0] * x + m[0, 1] * y + (m[0, 2] - middle)
    v = m[1, 0] * x + m[1, 1] * y + (m[1, 2] - middle)
    return np.hypot(u, v).astype(np.float32) / CROP_SIZE


def _bounds(back: NDArray, size: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the frame in the photo, clipped to it."""
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]]) - 0.5
    seen = transform(corners, back)
    low = np.floor(seen.min(0)).astype(int).clip(0)
    high = np.minimum(np.ceil(seen.max(0)).astype(int) + 1, shape[::-1])
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
