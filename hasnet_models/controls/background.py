"""What lies behind the person: as it is, nothing, blurred, a colour, or another picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.controls.background_choice import BLUR, COLOUR, KEEP, TRANSPARENT, Background
from hasnet_models.face.matte import foreground
from hasnet_models.image_io.photo import over_white
from hasnet_models.opencv import cv2

_BLUR_SIGMA = 0.03  # as a share of the longer side


def before(
    rgb: NDArray[np.uint8],
    person: NDArray[np.float32],
    choice: Background,
    picture: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """The person of a picture before another background.

    Args:
        rgb: uint8 (H, W, 3).
        person: float32 (H, W), 0..1, see `face.matte.matte`.
        picture: uint8 (h, w, 3) of any size, for the kind "file"; it fills the frame, cut at its
            edges.

    Returns:
        The picture, uint8 (H, W, 3), and its alpha, uint8 (H, W), where the background is
        transparent: the picture lies over white then, as a `Photo` does.
    """
    if choice.kind == KEEP:
        return rgb, None
    front = foreground(rgb, person)
    if choice.kind == TRANSPARENT:
        alpha = np.round(person * 255).astype(np.uint8)
        return over_white(front.round().astype(np.uint8), alpha), alpha
    back = _back(rgb, person, choice, picture)
    front -= back
    front *= person[..., None]
    front += back
    front += 0.5
    return front.clip(0, 255, out=front).astype(np.uint8), None


def blurred(rgb: NDArray[np.uint8], person: NDArray[np.float32]) -> NDArray[np.float32]:
    """The ground out of focus, the person's colours not running into it: (H, W, 3), 0..255."""
    height, width = rgb.shape[:2]
    k = min(1.0, 256 / max(height, width))  # blurred so far that no more can be seen
    size = (max(1, round(width * k)), max(1, round(height * k)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    ground = (1 - cv2.resize(person, size, interpolation=cv2.INTER_AREA)).clip(1e-3, 1) ** 2
    sigma = _BLUR_SIGMA * max(size)
    total = cv2.GaussianBlur(ground, (0, 0), sigma)[..., None]
    soft = cv2.GaussianBlur(small * ground[..., None], (0, 0), sigma) / total
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255)


def covering(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A picture that fills a frame, its middle kept: (height, width, 3)."""
    k = max(height / picture.shape[0], width / picture.shape[1])
    size = (max(width, round(picture.shape[1] * k)), max(height, round(picture.shape[0] * k)))
    method = cv2.INTER_AREA if k < 1 else cv2.INTER_CUBIC
    large = cv2.resize(picture, size, interpolation=method)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    return large[top : top + height, left : left + width]


def _back(
    rgb: NDArray[np.uint8],
    person: NDArray[np.float32],
    choice: Background,
    picture: NDArray[np.uint8] | None,
) -> NDArray:
    if choice.kind == BLUR:
        return blurred(rgb, person)
    if choice.kind == COLOUR:
        return np.broadcast_to(np.array(choice.colour, np.float32), rgb.shape)
    assert picture is not None
    return covering(picture, *rgb.shape[:2])
