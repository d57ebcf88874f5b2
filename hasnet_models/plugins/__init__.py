"""Plugins: domains, face detectors, media, commands and checks from other packages.

A plugin imports everything it needs from here::

    from hasnet_models.plugins import Domain, hookimpl

    @hookimpl
    def hasnet_domains():
        yield Domain.from_package(__name__)

`hooks` says which hooks there are, docs/plugins.md how a plugin is made. Importing this package
imports neither torch nor numpy, and a module of it only when something of it is first named
(`__init__.pyi` declares them for type checkers): most commands need none.
"""

from __future__ import annotations

import importlib

_MODULES = {
    "data_file": ("DataFile",),
    "domain": ("API", "Domain"),
    "hooks": ("hookimpl",),
    "manager": ("Manager", "discover", "forget", "kept_manager"),
    "registry": ("PluginFailure", "Provider", "Registry"),
    "specs": (
        "FAILED", "NOTE", "OK", "Check", "CommandSpec", "DetectorSpec", "MediumSpec",
    ),
}  # fmt: skip
_WHERE = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = found
    return found
