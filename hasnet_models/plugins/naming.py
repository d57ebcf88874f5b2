"""How a user names a domain: by its name, or by its folder."""

from __future__ import annotations

from pathlib import Path

PREFIX = "hasnet-domain-"


def is_path(name: str) -> bool:
    """Whether a domain is named by its folder: absolute, or beginning with `.` or `~`."""
    return name.startswith((".", "~")) or Path(name).is_absolute()


def folder_of(name: str) -> Path:
    """The folder that a user names, absolute."""
    return Path(name).expanduser().absolute()


def label_of(name: str) -> str:
    """What outputs are called after, of a domain's name or path."""
    short = folder_of(name).resolve().name if is_path(name) else name.rpartition("/")[2]
    return short.removeprefix(PREFIX)
