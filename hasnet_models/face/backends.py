"""The face detectors by the names that users give."""

from __future__ import annotations

from hasnet_models.errors import UsageError
from hasnet_models.face.centerface import CenterFace
from hasnet_models.face.types import Detector

EMBEDDED = "embedded"
INSIGHTFACE = "insightface"
BACKENDS = (EMBEDDED, INSIGHTFACE)


def load_detector(backend: str = EMBEDDED) -> Detector:
    """A face detector.

    Args:
        backend: "embedded" (CenterFace), or "insightface" (SCRFD, with the user's own models).

    Raises:
        UsageError: there is no such backend.
        WeightsError: its weights are missing or damaged.
    """
    if backend == EMBEDDED:
        return CenterFace()
    if backend == INSIGHTFACE:
        from hasnet_models.face.insightface_backend import InsightFace

        return InsightFace()
    raise UsageError(f"There is no face backend {backend!r}; use {' or '.join(BACKENDS)}.")
