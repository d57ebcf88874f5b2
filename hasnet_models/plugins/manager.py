"""Find the installed domains; a broken plugin is reported and costs nobody else anything.

pluggy's own `load_setuptools_entrypoints` lets one failing import end the program, and one
raising hook hides all others' results. Here every plugin is loaded, registered and called on its
own, and rolled back when a step fails.

Environment:
    HASNET_PLUGINS: comma-separated entry-point or distribution names; only these are loaded
        (set but empty: none).
    HASNET_DISABLE_PLUGINS: the same kind of list; these are not loaded.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.metadata
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pluggy

from hasnet_models.errors import DomainError
from hasnet_models.plugins import hooks
from hasnet_models.plugins.domain import Domain

GROUP = hooks.PROJECT
ONLY_VARIABLE = "HASNET_PLUGINS"
DISABLE_VARIABLE = "HASNET_DISABLE_PLUGINS"


@dataclass(frozen=True)
class PluginFailure:
    """A plugin that could not be used.

    Args:
        plugin: name of its entry point.
        distribution, version: what provides it.
        stage: "import", "register" or "domains".
        error: what happened, in one line.
        details: the traceback.
    """

    plugin: str
    distribution: str
    version: str
    stage: str
    error: str
    details: str = field(repr=False)

    def concerns(self, name: str) -> bool:
        """Whether a domain of that name is likely to come from this plugin."""
        return name in (self.plugin, self.distribution) or self.distribution.endswith(f"-{name}")


@dataclass(frozen=True)
class Registry:
    """The domains that are there, the plugins that failed, and those switched off."""

    domains: tuple[Domain, ...] = ()
    failures: tuple[PluginFailure, ...] = ()
    disabled: tuple[str, ...] = ()

    def get(self, name: str) -> Domain:
        """The domain called `name`, or `distribution/name` where two plugins share a name.

        Raises:
            DomainError: it is unknown, provided twice, or its plugin is broken or switched off.
        """
        distribution, _, short = name.rpartition("/")
        found = [
            domain
            for domain in self.domains
            if domain.name == short and distribution in ("", domain.distribution)
        ]
        if not found:
            raise self._missing(short)
        if len(found) > 1:
            providers = " and ".join(domain.distribution for domain in found)
            raise DomainError(
                f"Domain '{name}' is provided by {providers}.",
                f"Write {found[0].distribution}/{short}, or uninstall one of them.",
            )
        return found[0]

    def _missing(self, name: str) -> DomainError:
        for failure in self.failures:
            if failure.concerns(name):
                return DomainError(
                    f"Domain '{name}' is not usable: plugin {failure.distribution} "
                    f"{failure.version} failed at {failure.stage}: {failure.error}",
                    "Install the plugin again, or ask its author.",
                )
        if name in self.disabled:
            return DomainError(
                f"Domain '{name}' is switched off.",
                f"See the variables {ONLY_VARIABLE} and {DISABLE_VARIABLE}.",
            )
        return DomainError(f"There is no domain '{name}'.", self._suggestion(name))

    def _suggestion(self, name: str) -> str:
        names = sorted({domain.name for domain in self.domains})
        if close := difflib.get_close_matches(name, names, n=1):
            return f"Did you mean '{close[0]}'?"
        if names:
            return f"Installed: {', '.join(names)}."
        return "No domain plugin is installed; see docs/domains.md."


def discover(environ: Mapping[str, str] | None = None) -> Registry:
    """Load the installed plugins of the entry-point group `hasnet`, in the order of their names.

    Args:
        environ: in place of `os.environ`.
    """
    environ = os.environ if environ is None else environ
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    domains: list[Domain] = []
    failures: list[PluginFailure] = []
    disabled: list[str] = []
    for entry in _entry_points():
        if not _wanted(entry, environ):
            disabled.append(entry.name)
            continue
        result = _load(manager, entry)
        if isinstance(result, PluginFailure):
            failures.append(result)
        else:
            domains.extend(result)
    domains.sort(key=lambda domain: (domain.name, domain.distribution))
    return Registry(tuple(domains), tuple(failures), tuple(disabled))


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    entries = importlib.metadata.entry_points(group=GROUP)
    return sorted(entries, key=lambda entry: (_distribution(entry)[0], entry.name))


def _distribution(entry: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Name and version of what provides an entry point."""
    if entry.dist is None:
        return "unknown", ""
    return entry.dist.metadata["Name"] or "unknown", entry.dist.version or ""


def _wanted(entry: importlib.metadata.EntryPoint, environ: Mapping[str, str]) -> bool:
    names = {entry.name, _distribution(entry)[0]}
    only = environ.get(ONLY_VARIABLE)
    if only is not None and not names & _listed(only):
        return False
    return not names & _listed(environ.get(DISABLE_VARIABLE, ""))


def _listed(value: str) -> set[str]:
    return {part.strip() for part in value.split(",") if part.strip()}


def _load(
    manager: pluggy.PluginManager, entry: importlib.metadata.EntryPoint
) -> list[Domain] | PluginFailure:
    """Import, register and ask one plugin; on any fault it is as if it were not installed."""
    distribution, version = _distribution(entry)
    stage, plugin = "import", None
    try:
        # A plugin that prints would spoil what the program prints as its result.
        with contextlib.redirect_stdout(sys.stderr):
            plugin = entry.load()
            stage = "register"
            manager.register(plugin, name=f"{distribution}:{entry.name}")
            manager.check_pending()
            stage = "domains"
            found = _domains(manager, plugin)
    # A plugin may call sys.exit() at import; that is its fault, not the end of this program.
    except (Exception, SystemExit) as error:
        if manager.is_registered(plugin):
            manager.unregister(plugin)
        details = "".join(traceback.format_exception(error))
        return PluginFailure(entry.name, distribution, version, stage, _line(error), details)
    return [replace(domain, distribution=distribution, version=version) for domain in found]


def _domains(manager: pluggy.PluginManager, plugin: Any) -> list[Domain]:
    hooks = [
        hook for hook in manager.hook.hasnet_domains.get_hookimpls() if hook.plugin is plugin
    ]
    if not hooks:
        raise DomainError("it has no hasnet_domains hook.")
    found: Iterable[Any] = hooks[0].function()
    domains = list(found)
    for domain in domains:
        if not isinstance(domain, Domain):
            raise DomainError(f"its hasnet_domains hook gave {domain!r:.80}, not a Domain.")
    return domains


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, DomainError) else f"{type(error).__name__}: {text}"
