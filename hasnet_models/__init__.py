"""HASNet: face photos become avatars of other visual worlds.

Importing this package is cheap: torch is imported by the modules that need it, and `Avatar` when it
is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hasnet_models.avatar.api import Avatar

__version__ = "0.1.0"
__all__ = ["Avatar", "__version__"]


def __getattr__(name: str) -> object:
    if name != "Avatar":
        raise AttributeError(f"module 'hasnet_models' has no attribute {name!r}")
    from hasnet_models.avatar.api import Avatar

    return Avatar
