"""Domains: the visual worlds that plugin packages provide.

A plugin imports everything it needs from here::

    from hasnet_models.plugins import Domain, hookimpl

    @hookimpl
    def hasnet_domains():
        yield Domain.from_package(__name__)

Importing this package imports neither torch nor numpy.
"""

from __future__ import annotations

from hasnet_models.plugins.domain import API, Domain
from hasnet_models.plugins.hooks import hookimpl
from hasnet_models.plugins.manager import PluginFailure, Registry, discover

__all__ = ["API", "Domain", "PluginFailure", "Registry", "discover", "hookimpl"]
