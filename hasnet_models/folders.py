"""The user's own folders: of settings, of what can be made again, of what was fetched.

platformdirs knows them everywhere. Every command looks for its settings, and on Linux, where
platformdirs takes longer to import than all of hasnet that `--version` needs, they are two lines
of the XDG Base Directory Specification 0.8.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

_NAME = "hasnet"
# Kind -> the variable that says where, and where it is below the home folder without it.
_XDG = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "data": ("XDG_DATA_HOME", ".local/share"),
}


def user_folder(kind: Literal["config", "cache", "data"]) -> Path:
    """The folder of hasnet for the user's settings, for caches or for data; it need not exist."""
    variable, below = _XDG[kind]
    given, home = Path(os.environ.get(variable, "")), Path(os.environ.get("HOME", ""))
    if sys.platform == "linux" and given.is_absolute():
        return given / _NAME
    if sys.platform == "linux" and home.is_absolute():
        return home / below / _NAME

    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_dir")(_NAME, appauthor=False))
