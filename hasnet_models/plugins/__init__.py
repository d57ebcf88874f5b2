"""Plugins: domains, face detectors, media, commands and checks from other packages.

A plugin imports everything it needs from here::

    from hasnet_models.plugins import Domain, hookimpl

    @hookimpl
    def hasnet_domains():
        yield Domain.from_package(__name__)

`hooks` says which hooks there are, docs/plugins.md how a plugin is made. Importing this package
imports neither torch nor numpy.
"""

from __future__ import annotations

from hasnet_models.plugins.data_file import DataFile
from hasnet_models.plugins.domain import API, Domain
from hasnet_models.plugins.hooks import hookimpl
from hasnet_models.plugins.manager import Manager, discover, forget, kept_manager
from hasnet_models.plugins.registry import PluginFailure, Provider, Registry
from hasnet_models.plugins.specs import (
    FAILED,
    NOTE,
    OK,
    Check,
    CommandSpec,
    DetectorSpec,
    MediumSpec,
)

__all__ = [
    "API",
    "FAILED",
    "NOTE",
    "OK",
    "Check",
    "CommandSpec",
    "DataFile",
    "DetectorSpec",
    "Domain",
    "Manager",
    "MediumSpec",
    "PluginFailure",
    "Provider",
    "Registry",
    "discover",
    "forget",
    "hookimpl",
    "kept_manager",
]
