"""A plugin that is installed, before it is imported."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from typing import NamedTuple

from hasnet_models.plugins.registry import PluginFailure, Provider


@dataclass(frozen=True)
class Installed:
    """An entry point of the group, and who provides it.

    Args:
        value: the module that it names, with an attribute behind a colon where it is no module.
    """

    provider: Provider
    value: str

    def load(self) -> object:
        """The plugin, imported.

        Raises:
            Exception: whatever its module raises.
        """
        return pkgutil.resolve_name(self.value.partition("[")[0].strip())


class Found(NamedTuple):
    """What is installed, files that cannot be read, and sentences on what is odd."""

    plugins: list[Installed]
    failures: list[PluginFailure]
    warnings: list[str]
