"""The face detectors by the names that users give; what those of plugins are made of."""

from __future__ import annotations

from hasnet_models.errors import PluginError, UsageError
from hasnet_models.face.types import Detector, Face
from hasnet_models.plugins import hooks
from hasnet_models.plugins.builtin import EMBEDDED
from hasnet_models.plugins.manager import kept_manager, load

__all__ = ["Detector", "Face", "load_detector"]


def load_detector(name: str = EMBEDDED) -> Detector:
    """A face detector.

    Args:
        name: "embedded" (CenterFace), "insightface" (SCRFD, with the user's own models), or that
            of a plugin.

    Raises:
        UsageError: there is no such detector.
        WeightsError: its weights are missing or damaged.
        PluginError: the plugin that provides it is broken.
    """
    manager = kept_manager()
    found = manager.find(hooks.hasnet_detectors, name)
    if found is None:
        names = " or ".join(manager.by_name(hooks.hasnet_detectors))
        raise UsageError(f"There is no face detector {name!r}; use {names}.")
    detector = load(*found)
    if not callable(getattr(detector, "detect", None)):
        raise PluginError(f"'{name}' of plugin {found[0]} is no face detector: {detector!r:.80}.")
    return detector
