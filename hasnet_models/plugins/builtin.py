"""The part of hasnet that is a plugin itself: its face detectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hasnet_models.plugins.hooks import hookimpl
from hasnet_models.plugins.specs import DetectorSpec

EMBEDDED = "embedded"
INSIGHTFACE = "insightface"


@hookimpl
def hasnet_detectors() -> Iterator[DetectorSpec]:
    """CenterFace with the embedded weights, and SCRFD with the user's own models."""
    yield DetectorSpec(EMBEDDED, _centerface)
    yield DetectorSpec(INSIGHTFACE, _insightface)


def _centerface() -> Any:
    from hasnet_models.face.centerface import CenterFace

    return CenterFace()


def _insightface() -> Any:
    from hasnet_models.face.insightface_backend import InsightFace

    return InsightFace()
