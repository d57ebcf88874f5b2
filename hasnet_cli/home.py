"""The plugin of one domain alone: to import those of all others takes longer than to find a face.

Which plugin a domain is at home in is kept between processes (`kept`).
"""

from __future__ import annotations

import os
from typing import Any

from hasnet_cli import factory, kept
from hasnet_models.plugins import Manager, Provider, Registry

_KEPT = "homes"


def registry_for(name: str | None) -> Registry:
    """The installed domains, or that of this name alone where its plugin is known.

    Args:
        name: of a domain, or anything else that a user may ask for.
    """
    places = kept.read(_KEPT, os.environ) if name else None
    if places and name in places:
        found = _opened(*places[name])
        if found.sound and [domain.name for domain in found.domains].count(name) == 1:
            return found
    registry = factory.find_domains()
    if places is None and registry.sound:
        _keep(factory.find_plugins())
    return registry


def _opened(plugin: str, distribution: str, version: str, value: str) -> Registry:
    """What this plugin alone gives."""
    from hasnet_models.plugins.installed import Found, Installed

    installed = Installed(Provider(plugin, distribution, version), value)
    return Manager({}, lambda: Found([installed], [], [])).registry()


def _keep(manager: Manager) -> None:
    files = manager.files()
    if files is None:
        return
    homes: dict[str, list[Any]] = {
        name: [p.provider.plugin, p.provider.distribution, p.provider.version, p.value]
        for name, p in manager.homes().items()
    }
    kept.write(_KEPT, os.environ, homes, files | kept.manifests(files))
