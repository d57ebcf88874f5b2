"""What restores faces: the embedded network where they are weak, or a file of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hasnet_models.face.session import open_session
from hasnet_models.face.types import AlignedFace
from hasnet_models.opencv import cv2
from hasnet_models.restoring.choice import AUTO, OFF
from hasnet_models.restoring.user_file import UserRestorer
from hasnet_models.restoring.weakness import effective_side
from hasnet_models.weights.files import RESTORER

WEAK, STRONG = 64.0, 88.0  # effective sides, px: restored wholly up to the first, not from there

Pixels = NDArray[np.uint8]


class Restorer(Protocol):
    """Makes faces better."""

    def restored(self, face: AlignedFace) -> AlignedFace:
        """The face with another crop, or the same object where it is left alone."""
        ...


class WeakFaceRestorer:
    """The embedded network, for faces of a small effective side; opened at the first of them.

    It sees a face at 128 px. What it adds is enlarged and added to the crop, so that whatever the
    crop has beyond 128 px stays.

    Args:
        threads: of onnxruntime.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def _session(self) -> Any:
        return open_session(RESTORER, self._threads)

    def restored(self, face: AlignedFace) -> AlignedFace:
        """The face restored as far as it is weak.

        Raises:
            WeightsError: the weight file is missing or damaged.
        """
        share = share_of(effective_side(face))
        return replace(face, crop=self.crop(face.crop, share)) if share else face

    def crop(self, crop: Pixels, share: float = 1.0) -> Pixels:
        """A crop, uint8 (S, S, 3), with a share 0..1 of what the network adds."""
        (image,) = self._session.get_inputs()
        side = image.shape[2]
        kind = cv2.INTER_AREA if len(crop) > side else cv2.INTER_CUBIC
        small = cv2.resize(crop, (side, side), interpolation=kind)
        planes = small.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
        (restored,) = self._session.run(None, {image.name: planes})
        added = (restored - planes)[0].transpose(1, 2, 0) * (127.5 * share)
        added = cv2.resize(added, crop.shape[:2], interpolation=cv2.INTER_CUBIC)
        return (crop + added).round().clip(0, 255).astype(np.uint8)


def share_of(side: float) -> float:
    """How far a face of an effective side is restored, 0..1.

    It falls steadily between two sides, so that the frames of a film do not jump.
    """
    return float(np.clip((STRONG - side) / (STRONG - WEAK), 0, 1))


def restorer_of(choice: str) -> Restorer | None:
    """What a choice stands for; None for off.

    Raises:
        UsageError: it names a file that is no face restorer.
    """
    if choice == OFF:
        return None
    return WeakFaceRestorer() if choice == AUTO else UserRestorer(Path(choice))


def all_restored(
    restorer: Restorer | None, faces: Sequence[AlignedFace]
) -> tuple[list[AlignedFace], list[str]]:
    """The faces restored, and a note for the user where some were weak."""
    if restorer is None:
        return list(faces), []
    found = [restorer.restored(face) for face in faces]
    count = sum(new is not old for new, old in zip(found, faces, strict=True))
    which = "The face was" if len(found) == 1 else f"{count} of {len(found)} faces were"
    return found, [f"{which} restored."] if count else []
