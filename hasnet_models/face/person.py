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
        shrinking = cv2.INTER_AREA if side > _INPUT else cv2.INTER_LINEAR
        frame = cv2.resize(rgb, (_INPUT, _INPUT), interpolation=shrinking)
        image = frame.transpose(2, 0, 1)[None].astype(np.float32) / 255
        (person,) = self._session.run(["person"], {"image": image})
        return cv2.resize(person[0, 0], (side, side), interpolation=cv2.INTER_LINEAR).clip(0, 1)
