"""What was found: who provides something, the domains that are there, and what failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hasnet_models.errors import DomainError
from hasnet_models.plugins.domain import Domain
from hasnet_models.plugins.folder import open_domain
from hasnet_models.plugins.naming import folder_of, is_path

ONLY_VARIABLE = "HASNET_PLUGINS"
DISABLE_VARIABLE = "HASNET_DISABLE_PLUGINS"


@dataclass(frozen=True)
class Provider:
    """A plugin.

    Args:
        plugin: name of its entry point.
        distribution, version: what was installed.
        own: whether it is part of hasnet.
    """

    plugin: str
    distribution: str
    version: str = ""
    own: bool = False

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def key(self) -> str:
        """What pluggy knows it by."""
        return f"{self.distribution}:{self.plugin}"


@dataclass(frozen=True)
class PluginFailure:
    """A plugin that could not be used, wholly or in part.

    Args:
        plugin: name of its entry point.
        distribution, version: what provides it.
        stage: "find" (its entry points cannot be read), "import", "register" or, for a single
            hook, the rest of its name, such as "domains".
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
    """The domains that are there, what failed, plugins switched off, sentences on what is odd."""

    domains: tuple[Domain, ...] = ()
    failures: tuple[PluginFailure, ...] = ()
    disabled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether no plugin failed and nothing was odd."""
        return not self.failures and not self.warnings

    def get(self, name: str) -> Domain:
        """The domain called `name`, or `distribution/name` where two plugins share a name.

        Args:
            name: also the path of a package's folder (`plugins.folder`), whose code is not run.

        Raises:
            DomainError: it is unknown, provided twice, or its plugin is broken or switched off.
        """
        if is_path(name):
            return open_domain(folder_of(name))
        distribution, _, short = name.rpartition("/")
        found = [
            domain
            for domain in self.domains
            if domain.name == short and distribution in ("", domain.distribution)
        ]
        if not found:
            raise self._missing(name, short)
        if len(found) > 1:
            providers = " and ".join(domain.distribution for domain in found)
            raise DomainError(
                f"Domain '{name}' is provided by {providers}.",
                f"Write {found[0].distribution}/{short}, or uninstall one of them.",
            )
        return found[0]

    def _missing(self, given: str, name: str) -> DomainError:
        if Path(given).is_dir():
            return DomainError(
                f"There is no domain '{given}', but a folder.", f"Write ./{given} for the folder."
            )
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
        import difflib

        names = sorted({domain.name for domain in self.domains})
        if close := difflib.get_close_matches(name, names, n=1):
            return f"Did you mean '{close[0]}'?"
        if names:
            return f"Installed: {', '.join(names)}."
        return "No domain plugin is installed; see docs/domains.md."
