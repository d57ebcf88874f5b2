"""The part of hasnet that is a plugin itself: its face detectors and media."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from hasnet_models.face.backends import EMBEDDED, INSIGHTFACE
from hasnet_models.plugins.hooks import hookimpl
from hasnet_models.plugins.specs import DetectorSpec, MediumSpec


@hookimpl
def hasnet_detectors() -> Iterator[DetectorSpec]:
    """CenterFace with the embedded weights, and SCRFD with the user's own models."""
    yield DetectorSpec(EMBEDDED, _centerface)
    yield DetectorSpec(INSIGHTFACE, _insightface)


@hookimpl
def hasnet_media() -> Iterator[MediumSpec]:
    """The kinds of `hasnet_models.medium`."""
    from hasnet_models.medium import KINDS

    for name in KINDS:
        yield MediumSpec(name, functools.partial(KINDS.__getitem__, name))


def _centerface() -> Any:
    from hasnet_models.face.centerface import CenterFace

    return CenterFace()


def _insightface() -> Any:
    from hasnet_models.face.insightface_backend import InsightFace

    return InsightFace()
