"""SCRFD detection and ArcFace embedding through insightface, with the user's own models.

insightface's model packs may be used for non-commercial research only, so hasnet ships and
fetches none: it takes the pack that the user has put into ~/.insightface/models, or into the
folder that INSIGHTFACE_HOME names.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hasnet_models.errors import WeightsError
from hasnet_models.face.align import warp
from hasnet_models.face.types import Face
from hasnet_models.frame import CROP_SIZE, FFHQ_TEMPLATE_512, fit_similarity, rescaled

HOME_VARIABLE = "INSIGHTFACE_HOME"
PACKS = ("buffalo_l", "antelopev2", "buffalo_m", "buffalo_s", "buffalo_sc")
LICENCE = "insightface model pack: non-commercial research use only"
_DETECTION_SIZE = (640, 640)
# A pack holds files for other tasks as well, up to 140 MB each; those with these names come first.
_NAME_HINTS = {
    "detection": ("det_", "scrfd"),
    "recognition": ("w600k", "glint", "arcface", "webface"),
}


class InsightFace:
    """The user's SCRFD and ArcFace models, on the CPU.

    Args:
        folder: with the pack's .onnx files; None to look for one (see `find_pack`).

    Attributes:
        model: name of the embedding's model, which a reference records; vectors of different
            models cannot be compared.

    Raises:
        WeightsError: insightface or its models are missing or damaged.
    """

    licence = LICENCE

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or find_pack()
        zoo = _model_zoo()
        _, self._detector = _load(zoo, folder, "detection")
        name, self._recogniser = _load(zoo, folder, "recognition")
        self.model = f"insightface/{name}"
        if getattr(self._detector, "input_size", None) is None:  # before insightface 1
            self._detector.prepare(ctx_id=-1, input_size=_DETECTION_SIZE)

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """As `hasnet_models.face.types.Detector.detect`."""
        boxes, landmarks = self._detector.detect(np.ascontiguousarray(rgb[..., ::-1]))
        if landmarks is None:
            raise WeightsError(
                "The insightface detector gives no landmarks.",
                f"Use a pack whose detector does, such as {PACKS[0]}.",
            )
        faces = [
            Face(box[:4].astype(np.float32), points.astype(np.float32), float(box[4]))
            for box, points in zip(boxes, landmarks, strict=True)
        ]
        return sorted(faces, key=lambda face: -face.area)

    def embed(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Identity of an aligned face.

        Args:
            crop: uint8 (S, S, 3) in the FFHQ frame.

        Returns:
            float32 (D,) of unit length; D is 512 for insightface's packs.
        """
        from insightface.utils import face_align

        side = self._recogniser.input_size[0]
        # insightface's own template is for 112 px; wider models keep its proportions.
        matrix = fit_similarity(FFHQ_TEMPLATE_512, face_align.arcface_dst)
        matrix = rescaled(matrix, side / 112) @ _crop_to_template(crop.shape[0])
        face = warp(crop, matrix, side)
        vector = self._recogniser.get_feat(np.ascontiguousarray(face[..., ::-1])).ravel()
        return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


def find_pack() -> Path:
    """The folder with the user's models.

    INSIGHTFACE_HOME may name the folder itself, one that holds packs, or one that holds models/;
    else it is ~/.insightface. Where there are several packs, the first of `PACKS` is taken.

    Raises:
        WeightsError: there is none.
    """
    home = Path(os.environ.get(HOME_VARIABLE) or Path.home() / ".insightface").expanduser()
    for root in (home, home / "models"):
        for folder in (root, *(root / name for name in PACKS)):
            if any(folder.glob("*.onnx")):
                return folder
    raise WeightsError(
        f"No insightface models in {home}.",
        f"Fetch the pack {PACKS[0]} (non-commercial research use only) from "
        "https://github.com/deepinsight/insightface/tree/master/model_zoo and unpack it into "
        f"{home / 'models' / PACKS[0]}.",
    )


def _model_zoo() -> Any:
    try:
        from insightface import model_zoo
    except ImportError as error:
        raise WeightsError(
            f"insightface cannot be loaded: {str(error).splitlines()[0]}.",
            "Run: pip install insightface",
        ) from error
    return model_zoo


def _load(zoo: Any, folder: Path, task: str) -> tuple[str, Any]:
    """File name (without suffix) and model of the first file in the folder for a task."""
    hints = _NAME_HINTS[task]
    for path in sorted(folder.glob("*.onnx"), key=lambda p: (not p.name.startswith(hints), p.name)):
        try:
            # Some versions print what they load; standard output is for results only.
            with contextlib.redirect_stdout(sys.stderr):
                model = zoo.get_model(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common class
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise WeightsError(
                f"The insightface model {path} cannot be loaded: {reason}.",
                f"Fetch the pack again (non-commercial research use only) into {folder}.",
            ) from error
        if getattr(model, "taskname", None) == task:
            return path.stem, model
    raise WeightsError(
        f"The folder {folder} holds no insightface model for {task}.",
        f"Fetch the whole pack {PACKS[0]} (non-commercial research use only) into it.",
    )


def _crop_to_template(size: int) -> NDArray[np.float64]:
    """(3, 3), a crop of any size to the 512 px frame."""
    matrix = rescaled(np.eye(2, 3), CROP_SIZE / size)
    return np.vstack([matrix, [0, 0, 1]])
