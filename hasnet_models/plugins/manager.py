"""The plugins of this process: our own and the installed ones, behind one kept pluggy manager.

pluggy's own `load_setuptools_entrypoints` lets one failing import end the program, and one
raising hook hides all others' results. Here every plugin is loaded, registered and asked on its
own (see `isolation`). One that cannot be loaded is as if it were not installed; one whose hook
fails gives nothing for that hook. Each failure is kept with its name.

Environment:
    HASNET_PLUGINS: comma-separated entry-point or distribution names; only these are loaded
        (set but empty: none).
    HASNET_DISABLE_PLUGINS: the same kind of list; these are not loaded.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

import pluggy

from hasnet_models.errors import HasnetError, PluginError
from hasnet_models.plugins import builtin, hooks
from hasnet_models.plugins.domain import Domain
from hasnet_models.plugins.installed import Found, Installed
from hasnet_models.plugins.isolation import Crash, isolated
from hasnet_models.plugins.registry import (
    DISABLE_VARIABLE,
    ONLY_VARIABLE,
    PluginFailure,
    Provider,
    Registry,
)

Record = TypeVar("Record")
Hook = Callable[[], Iterable[Record]]
HOOKS: Mapping[str, Hook[Any]] = {
    name: hook for name, hook in vars(hooks).items() if name.startswith(hooks.PREFIX)
}


class Named(Protocol):
    """A record that is chosen by its name."""

    @property
    def name(self) -> str: ...


NamedRecord = TypeVar("NamedRecord", bound=Named)


class Manager:
    """Our own plugins, and the installed ones, which are loaded when they are first needed.

    Args:
        environ: where the variables that choose plugins are read.
        find: gives what is installed; all of it by default.
    """

    def __init__(self, environ: Mapping[str, str], find: Callable[[], Found] | None = None) -> None:
        self._environ = environ
        self._find = find or _all_installed
        self._pluggy = pluggy.PluginManager(hooks.PROJECT)
        self._pluggy.add_hookspecs(hooks)
        self._own: list[Provider] = []
        self._installed: list[Installed] | None = None
        self._answers: dict[tuple[str, str], list[Any]] = {}
        self._failures: list[PluginFailure] = []
        self._disabled: list[str] = []
        self._warnings: dict[str, None] = {}  # a set that keeps the order
        self._lock = threading.RLock()
        self.add(builtin)

    def add(self, plugin: ModuleType) -> None:
        """Register a plugin that is part of hasnet, unless it is there already."""
        with self._lock:
            if not self._pluggy.is_registered(plugin):
                provider = Provider(plugin.__name__, hooks.PROJECT, own=True)
                self._pluggy.register(plugin, provider.key)
                self._own.append(provider)

    def each(self, hook: Hook[Record]) -> Iterator[tuple[Provider, Record]]:
        """What all plugins give for a hook, our own first.

        The installed ones are loaded when the iteration comes to them, so whoever finds what he
        looks for among our own does not wait for them.

        Args:
            hook: a function of `hasnet_models.plugins.hooks`.
        """
        for provider in self._providers():
            for record in self._answer(provider, hook):
                yield provider, record

    def find(self, hook: Hook[NamedRecord], name: str) -> tuple[Provider, NamedRecord] | None:
        """The first record of that name, and who provides it; None where there is none."""
        return next((pair for pair in self.each(hook) if pair[1].name == name), None)

    def by_name(self, hook: Hook[NamedRecord]) -> dict[str, tuple[Provider, NamedRecord]]:
        """All records by their names, as `find` finds them; those it never finds are a warning."""
        found: dict[str, tuple[Provider, NamedRecord]] = {}
        for provider, record in self.each(hook):
            first = found.setdefault(record.name, (provider, record))
            if first[1] is not record:
                self._warn(
                    f"The {_kind(hook)} '{record.name}' of {provider} is hidden by that of "
                    f"{first[0]}."
                )
        return found

    def registry(self) -> Registry:
        """The domains, and what is known of plugins that failed."""
        domains = self._domains  # first: asking for them may fail
        return replace(self.state(), domains=domains)

    def state(self) -> Registry:
        """What is known of plugins that failed, without asking for domains."""
        return Registry((), tuple(self._failures), tuple(self._disabled), tuple(self._warnings))

    def files(self) -> set[Path] | None:
        """The source files of the installed plugins that were loaded; None where one has none.

        All modules of their packages that were imported so far.
        """
        found: set[Path] = set()
        for plugin in self._installed or ():
            files = _source_files(self._pluggy.get_plugin(plugin.provider.key))
            if not files:
                return None
            found |= files
        return found

    def homes(self) -> dict[str, Installed]:
        """Of each domain that one installed plugin alone provides, by its name, that plugin."""
        found: dict[str, list[Provider]] = {}
        for provider, domain in self.each(hooks.hasnet_domains):
            found.setdefault(domain.name, []).append(provider)
        places = {plugin.provider: plugin for plugin in self._installed or ()}
        return {
            name: places[providers[0]]
            for name, providers in found.items()
            if len(providers) == 1 and providers[0] in places
        }

    @functools.cached_property
    def _domains(self) -> tuple[Domain, ...]:
        found = (
            replace(domain, distribution=provider.distribution, version=provider.version)
            for provider, domain in self.each(hooks.hasnet_domains)
        )
        return tuple(sorted(found, key=lambda domain: (domain.name, domain.distribution)))

    def _providers(self) -> Iterator[Provider]:
        yield from tuple(self._own)
        with self._lock:
            if self._installed is None:
                self._installed = self._load_installed()
        yield from (plugin.provider for plugin in self._installed)

    def _load_installed(self) -> list[Installed]:
        plugins, failures, warnings = self._find()
        self._failures += failures
        for sentence in warnings:
            self._warn(sentence)
        wanted = [plugin for plugin in plugins if _wanted(plugin.provider, self._environ)]
        self._disabled += [p.provider.plugin for p in plugins if p not in wanted]
        try:
            return [plugin for plugin in wanted if self._register(plugin.provider, plugin.load)]
        except BaseException:  # the user's Ctrl-C: the half of them that is here is of no use
            forget()
            raise

    def _register(self, provider: Provider, load: Callable[[], object]) -> bool:
        """Import and register one plugin; on any fault it is as if it were not installed."""
        stage, plugin = "import", None
        try:
            with isolated():
                plugin = load()
                stage = "register"
                self._pluggy.register(plugin, provider.key)
                self._look_over(provider, plugin)
        except Crash as crash:
            if self._pluggy.get_plugin(provider.key) is not None:
                self._pluggy.unregister(name=provider.key)
            self._fail(provider, stage, crash)
            return False
        return True

    def _look_over(self, provider: Provider, plugin: object) -> None:
        """Warn of what looks like a hook and is none; a plugin without anything is a failure."""
        implemented = {caller.name for caller in self._pluggy.get_hookcallers(plugin) or ()}
        for name in sorted(implemented - HOOKS.keys()):
            self._warn(f"Plugin {provider}: there is no hook '{name}'.{_near_miss(name)}")
        for name in sorted(HOOKS.keys() - implemented):
            if callable(getattr(plugin, name, None)):
                self._warn(f"Plugin {provider}: its function '{name}' is not marked @hookimpl.")
        if not implemented:
            raise PluginError(f"it implements none of the hooks {', '.join(HOOKS)}.")

    def _answer(self, provider: Provider, hook: Hook[Record]) -> list[Record]:
        """What one plugin gives for one hook; it is asked once."""
        key = provider.key, hook.__name__
        with self._lock:
            if key not in self._answers:
                self._answers[key] = self._ask(provider, hook)
            return self._answers[key]

    def _ask(self, provider: Provider, hook: Hook[Record]) -> list[Record]:
        plugin = self._pluggy.get_plugin(provider.key)
        implementations = getattr(self._pluggy.hook, hook.__name__).get_hookimpls()
        try:
            with isolated():
                given = [i.function() for i in implementations if i.plugin is plugin]
                return _checked(hook, [record for records in given for record in records])
        except Crash as crash:
            self._fail(provider, _stage(hook), crash)
            return []

    def _fail(self, provider: Provider, stage: str, crash: Crash) -> None:
        names = provider.plugin, provider.distribution, provider.version
        self._failures.append(PluginFailure(*names, stage, str(crash), crash.details))

    def _warn(self, sentence: str) -> None:
        self._warnings[sentence] = None


def kept_manager(environ: Mapping[str, str] | None = None) -> Manager:
    """The manager of this process; a new one where the variables that choose plugins changed.

    Args:
        environ: in place of `os.environ`.
    """
    environ = os.environ if environ is None else environ
    return _kept(environ.get(ONLY_VARIABLE), environ.get(DISABLE_VARIABLE))


@functools.lru_cache(maxsize=1)
def _kept(only: str | None, disabled: str | None) -> Manager:
    values = {ONLY_VARIABLE: only, DISABLE_VARIABLE: disabled}
    return Manager({name: value for name, value in values.items() if value is not None})


def forget() -> None:
    """Find the plugins anew when they are next needed, such as one that was installed meanwhile."""
    _kept.cache_clear()


def discover(environ: Mapping[str, str] | None = None) -> Registry:
    """The domains of the installed plugins, and the plugins that failed.

    Args:
        environ: in place of `os.environ`; then plugins are looked for anew, else once a process.
    """
    return (kept_manager() if environ is None else Manager(environ)).registry()


def load(provider: Provider, spec: Any) -> Any:
    """What a spec's `load` gives; that of an installed plugin is run as such.

    Raises:
        PluginError: it raised something that is no HasnetError.
    """
    if provider.own:
        return spec.load()
    try:
        with isolated():
            return spec.load()
    except Crash as crash:
        if isinstance(crash.cause, HasnetError):
            raise crash.cause from None
        raise PluginError(
            f"'{spec.name}' of plugin {provider} cannot be loaded: {crash}"
        ) from crash


def _all_installed() -> Found:
    from hasnet_models.plugins import entry_points

    return entry_points.find()


def _checked(hook: Hook[Record], records: list[Any]) -> list[Record]:
    """The records, once each was found to be of the type that the hook is annotated with."""
    kind = typing.get_args(typing.get_type_hints(hook)["return"])[0]
    for record in records:
        if not isinstance(record, kind):
            gave = f"{record!r:.80}"
            raise PluginError(f"its {hook.__name__} hook gave {gave}, not a {kind.__name__}.")
    return records


def _source_files(plugin: object) -> set[Path]:
    """Of the package that a plugin, a module or an object, comes from."""
    module = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__
    top = module.partition(".")[0]
    own = (m for name, m in sys.modules.items() if name == top or name.startswith(f"{top}."))
    return {Path(m.__file__) for m in own if getattr(m, "__file__", None)}


def _near_miss(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, HOOKS, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _stage(hook: Hook[Any]) -> str:
    return hook.__name__.removeprefix(hooks.PREFIX)


def _kind(hook: Hook[Any]) -> str:
    return _stage(hook).removesuffix("s")


def _wanted(provider: Provider, environ: Mapping[str, str]) -> bool:
    names = {provider.plugin, provider.distribution}
    only = environ.get(ONLY_VARIABLE)
    if only is not None and not names & _listed(only):
        return False
    return not names & _listed(environ.get(DISABLE_VARIABLE, ""))


def _listed(value: str) -> set[str]:
    return {part.strip() for part in value.split(",") if part.strip()}
