"""Which pixels are a person: MediaPipe's selfie segmentation.

It knows people in photos and in most painted, drawn, sculpted domains; on anime it finds nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.mesh import check_crop
from hasnet_models.face.session import open_session
from hasnet_models.opencv import cv2

WEIGHTS = "person_mask.onnx"

_INPUT = 256
_BAR = 114  # of the bars beside a photo that is no square


class PersonFinder:
    """Finds the person in an aligned crop, on the CPU.

    Args:
        threads: of onnxruntime.

    Raises:
        WeightsError: the weight file is missing or damaged.
    """

    def __init__(self, threads: int = 1) -> None:
        self._session = open_session(WEIGHTS, threads)

    def mask(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How much of each pixel is a person; about 3 ms.

        Args:
            rgb: uint8 (S, S, 3), an aligned crop of any side.

        Returns:
            float32 (S, S), 0..1.

        Raises:
            ValueError: the picture is not as described above.
        """
        check_crop(rgb)
        side = len(rgb)
        person = self._looked(rgb)
        return cv2.resize(person, (side, side), interpolation=cv2.INTER_LINEAR).clip(0, 1)

    def mask_of_photo(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The persons of a whole photo, shrunk into the network's square between gray bars.

        Args:
            rgb: uint8 (H, W, 3).

        Returns:
            float32 (h, w), 0..1, of the photo's frame, its longer side 256 px.
        """
        height, width = rgb.shape[:2]
        k = _INPUT / max(height, width)
        size = (max(1, round(width * k)), max(1, round(height * k)))
        frame = np.full((_INPUT, _INPUT, 3), _BAR, np.uint8)
        left, top = ((_INPUT - length) // 2 for length in size)
        here = np.s_[top : top + size[1], left : left + size[0]]
        shrinking = cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR
        frame[here] = cv2.resize(rgb, size, interpolation=shrinking)
        return self._looked(frame)[here].clip(0, 1)

    def _looked(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network says of a square picture, (256, 256)."""
        shrinking = cv2.INTER_AREA if len(rgb) > _INPUT else cv2.INTER_LINEAR
        frame = cv2.resize(rgb, (_INPUT, _INPUT), interpolation=shrinking)
        image = frame.transpose(2, 0, 1)[None].astype(np.float32) / 255
        (person,) = self._session.run(["person"], {"image": image})
        return person[0, 0]
