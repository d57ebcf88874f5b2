"""What keeps an avatar calm: the one before, brought to where the face is now.

The flow (DIS, Kroeger et al. 2016) is that of the aligned source, in the frame of the face, where
movements are small. Where the source did not change but by that movement, the avatar need not
either and keeps a share of the one before; where it did (a blink, a hand), nothing is kept. This is
done to the avatar in its medium, so that strokes move with the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hasnet_models.avatar.steps import Pixels
from hasnet_models.face.align import resized
from hasnet_models.opencv import cv2

KEPT = 0.9  # share of the avatar before, where nothing changed
_SIDE = 256  # px at which the flow is found
_TOLERANCE = 14.0  # gray levels of change at which a third of that is kept
_AROUND = 3.0  # px over which changes are averaged, so that a camera's noise is none


@dataclass
class Steadier:
    """Steadies the avatars of one face.

    Attributes:
        source: the face before, gray, uint8 (256, 256); None where there is none.
        avatar: its avatar in its medium, uint8 (S, S, 3), as it was given.
    """

    source: NDArray[np.uint8] | None = None
    avatar: Pixels | None = None

    def step(self, source: Pixels, avatar: Pixels, *, anew: bool = False) -> Pixels:
        """A calmer avatar of the next frame.

        Args:
            source: the aligned face, uint8 (s, s, 3).
            avatar: uint8 (S, S, 3).
            anew: it is drawn anew, and nothing of the one before is kept.
        """
        gray = _gray(source)
        if self.source is not None and self.avatar is not None and not anew:
            avatar = _mixed(avatar, resized(self.avatar, len(avatar)), gray, self.source)
        self.source, self.avatar = gray, avatar
        return avatar

    def reset(self) -> None:
        """Forget the frame before."""
        self.source = self.avatar = None


def flow_to(now: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Where each pixel of a gray picture (H, W) was in the one before, (H, W, 2) px away."""
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return finder.calc(now, before, None)


def fetched(picture: NDArray, flow: NDArray[np.float32]) -> NDArray:
    """A picture (H, W, ...) read where a flow (h, w, 2) of the same frame points to."""
    height, width = picture.shape[:2]
    k = width / flow.shape[1]
    if k != 1:
        flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(k)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    places = flow[..., 0] + x, flow[..., 1] + y
    return cv2.remap(picture, *places, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _mixed(
    avatar: Pixels, before: Pixels, now: NDArray[np.uint8], then: NDArray[np.uint8]
) -> Pixels:
    flow = flow_to(now, then)
    change = cv2.absdiff(now, fetched(then, flow)).astype(np.float32)
    change = cv2.GaussianBlur(change, (0, 0), _AROUND)
    share = KEPT * np.exp(-((change / _TOLERANCE) ** 2))
    share = cv2.resize(share, avatar.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    mixed = avatar + share * (fetched(before, flow).astype(np.float32) - avatar)
    return (mixed + 0.5).clip(0, 255).astype(np.uint8)


def _gray(source: Pixels) -> NDArray[np.uint8]:
    gray = cv2.cvtColor(source, cv2.COLOR_RGB2GRAY)
    if len(gray) == _SIDE:
        return gray
    shrinking = cv2.INTER_AREA if len(gray) > _SIDE else cv2.INTER_LINEAR
    return cv2.resize(gray, (_SIDE, _SIDE), interpolation=shrinking)
