"""Where the command line gets its heavy parts, and its plugins.

Commands call these functions through the module (`factory.load_pipeline(...)`), so that a test
or an embedding program can put another pipeline or detector in their place. All of it is imported
when it is asked for, plugins too; the types of what needs torch or OpenCV are named in words.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hasnet_models.plugins import Manager, Registry


def load_pipeline(
    device: str = "auto", backend: str = "embedded", runtime: str = "auto"
) -> Any:
    """The `hasnet_models.avatar.pipeline.AvatarPipeline` with its weights in a runtime.

    Raises:
        UsageError, WeightsError, DeviceError: see `AvatarPipeline.load`.
    """
    from hasnet_models.avatar.pipeline import AvatarPipeline

    return AvatarPipeline.load(device, backend, runtime)


def open_ahead(
    device: str = "auto", backend: str = "embedded", runtime: str = "auto", embeds: bool = True
) -> Callable[[], None]:
    """Begin to open the networks that `load_pipeline` will be asked for.

    Args:
        embeds: whether z_id of some face will be asked for.

    Returns:
        To be called when the command ends: it does not wait for what it did not ask for.
    """
    from hasnet_models.avatar import opening

    opening.open_ahead(device, backend, runtime, embeds)
    return opening.drop_ahead


def load_detector(backend: str = "embedded") -> Any:
    """A face detector alone, which finds drawn faces too: a `hasnet_models.face.types.Detector`."""
    from hasnet_models.face.drawn import DrawnFaceFinder
    from hasnet_models.face.drawn_too import DrawnToo
    from hasnet_models.plugins.detectors import load_detector as load

    return DrawnToo(load(backend), functools.cache(DrawnFaceFinder))


def find_plugins(environ: Mapping[str, str] | None = None) -> Manager:
    """The plugins, those of the command line among them.

    Args:
        environ: in place of `os.environ`.
    """
    from hasnet_cli import builtin
    from hasnet_models.plugins import kept_manager

    manager = kept_manager(environ)
    manager.add(builtin)
    return manager


def find_domains() -> Registry:
    """The installed domains."""
    return find_plugins().registry()
