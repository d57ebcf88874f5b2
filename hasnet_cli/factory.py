"""Where the command line gets its heavy parts.

Commands call these functions through the module (`factory.load_pipeline(...)`), so that a test
or an embedding program can put another pipeline or detector in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hasnet_models.avatar.pipeline import AvatarPipeline
    from hasnet_models.face.types import Detector
    from hasnet_models.plugins import Registry


def load_pipeline(device: str = "auto", backend: str = "embedded") -> AvatarPipeline:
    """The pipeline with its weights on a device.

    Raises:
        WeightsError, DeviceError: see `AvatarPipeline.load`.
    """
    from hasnet_models.avatar.pipeline import AvatarPipeline

    return AvatarPipeline.load(device=device, backend=backend)


def load_detector(backend: str = "embedded") -> Detector:
    """A face detector alone."""
    from hasnet_models.face.backends import load_detector as load

    return load(backend)


def find_domains() -> Registry:
    """The installed domains."""
    from hasnet_models.plugins import discover

    return discover()
