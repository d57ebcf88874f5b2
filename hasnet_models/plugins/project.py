"""What a plugin's `pyproject.toml` announces."""

from __future__ import annotations

import sys
from pathlib import Path

from hasnet_models.errors import DomainError

PROJECT_FILE = "pyproject.toml"
GROUP = "hasnet"


def entry_points_of(folder: Path) -> dict[str, str]:
    """Name -> module, of the group `hasnet`.

    Args:
        folder: of the plugin.

    Raises:
        DomainError: there is no `pyproject.toml`, or it cannot be read.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    file = folder / PROJECT_FILE
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
        found = dict(project.get("entry-points", {}).get(GROUP, {}))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DomainError(f"{file} cannot be read: {error}.") from error
    return {name: str(value) for name, value in found.items()}
