"""HASNet: face photos become avatars of other visual worlds.

Importing this package is cheap: torch is imported by the modules that need it, and `Avatar` when it
is first named (`__init__.pyi` declares it for type checkers).
"""

from __future__ import annotations

from hasnet_models.version import __version__

__all__ = ["Avatar", "__version__"]


def __getattr__(name: str) -> object:
    if name != "Avatar":
        raise AttributeError(f"module 'hasnet_models' has no attribute {name!r}")
    # Late for the sake of cheap imports; nothing below this package imports its front door.
    from hasnet_models.avatar.api import Avatar

    return Avatar
