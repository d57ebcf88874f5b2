"""A face restorer that the user has, as an ONNX file: GFPGAN and its kin.

They know the FFHQ frame at 512 px, as RGB in -1..1, channels first, one picture a call.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hasnet_models.errors import UsageError
from hasnet_models.face.align import resized
from hasnet_models.face.session import NotLoadable, open_file
from hasnet_models.face.types import AlignedFace
from hasnet_models.frame import CROP_SIZE
from hasnet_models.threads import thread_count

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_SHAPE = (1, 3, CROP_SIZE, CROP_SIZE)


class UserRestorer:
    """Restores every face by a file of the user's.

    Args:
        path: of the file.
        threads: of onnxruntime; None as the networks of avatars have them.

    Raises:
        UsageError: it is no ONNX network, or does not take and give what a face restorer does.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._name = path.name
        try:
            self._session = open_file(path, threads or thread_count())
        except NotLoadable as error:
            raise self._refusal(f"cannot be loaded: {error}") from error
        ends = (self._session.get_inputs(), self._session.get_outputs())
        for what, found in zip(("input", "output"), ends, strict=True):
            self._check(what, found)
        self._input = ends[0][0]

    def restored(self, face: AlignedFace) -> AlignedFace:
        """The face with the crop that the network gives.

        Raises:
            UsageError: the network fails, or gives something else than a picture of 512 px.
        """
        return replace(face, crop=self.crop(face.crop))

    def crop(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A crop, uint8 (S, S, 3), restored; of the same side."""
        whole = resized(crop, CROP_SIZE).transpose(2, 0, 1)[None]
        planes = (whole.astype(np.float32) / 127.5 - 1).astype(_TYPES[self._input.type])
        try:
            (restored,) = self._session.run(None, {self._input.name: planes})
        except Exception as error:  # onnxruntime's errors have no common class
            raise self._refusal(f"fails: {str(error).splitlines()[0]}") from error
        if restored.shape != _SHAPE or not np.isfinite(restored).all():
            raise self._refusal(f"gives no picture of {CROP_SIZE} px for a face of {CROP_SIZE} px")
        pixels = (restored[0].astype(np.float32).transpose(1, 2, 0) + 1) * 127.5
        return resized(pixels.round().clip(0, 255).astype(np.uint8), len(crop))

    def _check(self, what: str, found: list[Any]) -> None:
        """Refuse what has not one float tensor (1, 3, 512, 512) there; names stand for any size."""
        if len(found) != 1:
            raise self._refusal(f"has {len(found)} {what}s, and one is needed")
        (end,) = found
        fits = len(end.shape) == 4 and all(
            have == want or not isinstance(have, int)
            for have, want in zip(end.shape, _SHAPE, strict=True)
        )
        if end.type not in _TYPES or not fits:
            shape = " x ".join(map(str, end.shape)) or "one number"
            raise self._refusal(
                f"has an {what} of {end.type.removeprefix('tensor')[1:-1]} {shape}, and float "
                f"{' x '.join(map(str, _SHAPE))} is needed"
            )

    def _refusal(self, what: str) -> UsageError:
        return UsageError(f"The restorer {self._name} {what}.", parameters=("restore",))
