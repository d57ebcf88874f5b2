"""The media by the names that manifests and users give; what those of plugins are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hasnet_models.errors import DomainError, PluginError, UsageError
from hasnet_models.medium import Medium, from_table
from hasnet_models.plugins import hooks
from hasnet_models.plugins.data_file import MANIFEST
from hasnet_models.plugins.domain import Domain
from hasnet_models.plugins.manager import kept_manager, load
from hasnet_models.plugins.specs import NO_MEDIUM


def medium_of(domain: Domain | None) -> Medium | None:
    """The medium that a domain's manifest has; None where it has none, as without a domain.

    Raises:
        DomainError: its kind or a parameter is unknown, or a value is out of its bounds.
        PluginError: the plugin that provides the kind is broken.
    """
    if domain is None or not domain.medium:
        return None
    try:
        return _from_table(dict(domain.medium))
    except UsageError as error:
        raise DomainError(
            f"{MANIFEST} of domain '{domain.name}', [medium]: {error}", error.hint
        ) from error


def medium_called(name: str, domain: Domain | None = None) -> Medium | None:
    """The medium of a kind; None for "none".

    Args:
        domain: where its own medium is of this kind, its parameters count; otherwise the kind's.

    Raises:
        UsageError: there is no such kind.
        DomainError, PluginError: as `medium_of`.
    """
    if name == NO_MEDIUM:
        return None
    if domain is not None and dict(domain.medium).get("kind") == name:
        return medium_of(domain)
    return _from_table({"kind": name})


def media_names() -> list[str]:
    """All kinds, hasnet's own first."""
    return list(kept_manager().by_name(hooks.hasnet_media))


def _from_table(table: Mapping[str, Any]) -> Medium | None:
    name = table["kind"]
    kind = None if name == NO_MEDIUM else _kind(name)
    return from_table(table, {name: kind} if kind else _unloaded())


def _kind(name: str) -> type[Medium] | None:
    """The class of a kind, from hasnet or a plugin."""
    found = kept_manager().find(hooks.hasnet_media, name)
    if found is None:
        return None
    kind = load(*found)
    if not (isinstance(kind, type) and issubclass(kind, Medium) and kind.kind == name):
        raise PluginError(f"'{name}' of plugin {found[0]} is no medium of that kind: {kind!r:.80}.")
    return kind


def _unloaded() -> dict[str, type[Medium]]:
    """The names of all kinds, for an error that lists them; none is loaded for that."""
    return dict.fromkeys(media_names(), Medium)
