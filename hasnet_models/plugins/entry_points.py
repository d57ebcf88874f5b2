"""The installed plugins by their entry points, found without importing them.

`importlib.metadata.entry_points` reads the files of all distributions at once, so that one
malformed file of any package would hide every plugin. Here they are read one by one.
"""

from __future__ import annotations

import importlib.metadata
import re
import traceback
from collections.abc import Iterable, Iterator

from hasnet_models.plugins.installed import Found, Installed
from hasnet_models.plugins.isolation import line
from hasnet_models.plugins.project import GROUP
from hasnet_models.plugins.registry import PluginFailure, Provider

FILE = "entry_points.txt"


def distributions() -> Iterable[importlib.metadata.Distribution]:
    """What is installed, in the order of the import path."""
    return importlib.metadata.distributions()


def find() -> Found:
    """The plugins, sorted; files of plugins that cannot be read; sentences on those of others."""
    found: dict[str, list[Installed]] = {}
    failures: list[PluginFailure] = []
    warnings: list[str] = []
    for distribution in distributions():
        try:
            entries = list(_entries(distribution))
        # What is in such a file, and how reading it fails, depends on whoever wrote it.
        except Exception as error:
            name, version = _identity(distribution)
            if f"[{GROUP}]" in _text(distribution):
                details = traceback.format_exc()
                failures.append(PluginFailure(FILE, name, version, "find", line(error), details))
            else:
                warnings.append(f"{FILE} of {name} {version} cannot be read: {line(error)}.")
            continue
        if entries:  # the same distribution further on in the path is hidden by this one
            found.setdefault(_normalized(entries[0].provider.distribution), entries)
    plugins = [plugin for entries in found.values() for plugin in entries]
    plugins.sort(key=lambda plugin: (plugin.provider.distribution, plugin.provider.plugin))
    return Found(plugins, failures, warnings)


def _entries(distribution: importlib.metadata.Distribution) -> Iterator[Installed]:
    for entry in distribution.entry_points.select(group=GROUP):
        yield Installed(Provider(entry.name, *_identity(distribution)), entry.value)


def _identity(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Name and version; where its metadata is damaged, where it lies."""
    try:
        metadata = distribution.metadata
        return metadata["Name"] or str(distribution.locate_file("")), metadata["Version"] or ""
    except Exception:  # as above
        return str(distribution.locate_file("")), ""


def _text(distribution: importlib.metadata.Distribution) -> str:
    try:
        return distribution.read_text(FILE) or ""
    except (OSError, ValueError):
        return ""


def _normalized(name: str) -> str:
    """A distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
