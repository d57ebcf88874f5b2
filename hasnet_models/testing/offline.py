"""hasnet as if nothing were installed beside it, or one plugin alone."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from hasnet_models.errors import PluginError
from hasnet_models.plugins import Registry, discover, entry_points, forget
from hasnet_models.plugins.project import entry_points_of

_VERSION = "0"


class Offline:
    """Hides installed plugins and the user's settings as long as a test runs.

    Args:
        folder: an empty one, for what stands for site-packages and the user's home.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._site = folder / "site"
        self._site.mkdir()
        self._loaded: set[str] = set()
        hide_the_user(monkeypatch, folder / "home")
        hide_installed_plugins(monkeypatch, self._site)
        forget()

    def use(self, plugin: Path | str) -> Registry:
        """Find a plugin as if it were installed, and give the domains that are there then.

        Args:
            plugin: its folder, with `pyproject.toml`; it need not be installed.

        Raises:
            PluginError: it announces nothing in the group `hasnet`.
        """
        folder = Path(plugin).resolve()
        entries = entry_points_of(folder)
        if not entries:
            raise PluginError(f"{folder} announces nothing in the group {entry_points.GROUP}.")
        modules = {value.partition(":")[0] for value in entries.values()}
        for name in list(sys.modules):
            if name.partition(".")[0] in modules:  # an installed copy
                self._monkeypatch.delitem(sys.modules, name)
        self._loaded |= modules
        self._monkeypatch.syspath_prepend(str(folder))
        _announce(self._site, folder.name, entries)
        forget()
        return discover()

    def close(self) -> None:
        """Forget what was found, so that the next test looks anew."""
        for name in list(sys.modules):
            if name.partition(".")[0] in self._loaded:
                del sys.modules[name]
        forget()


def hide_installed_plugins(monkeypatch: pytest.MonkeyPatch, site: Path) -> None:
    """Plugins are looked for in a folder alone, which is on the import path."""
    monkeypatch.syspath_prepend(str(site))

    def only_there() -> Iterable[importlib.metadata.Distribution]:
        return importlib.metadata.distributions(path=[str(site)])

    monkeypatch.setattr(entry_points, "distributions", only_there)


def hide_the_user(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Settings, fetched weights and variables of whoever runs the tests are out of sight."""
    for name in [name for name in os.environ if name.startswith("HASNET_")]:
        monkeypatch.delenv(name)
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


def _announce(site: Path, name: str, entries: Mapping[str, str]) -> None:
    """Write what an installer would write of a distribution."""
    info = site / f"{name.replace('-', '_')}-{_VERSION}.dist-info"
    info.mkdir(exist_ok=True)
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {_VERSION}\n"
    (info / "METADATA").write_text(about, encoding="utf-8")
    lines = [f"{entry} = {value}" for entry, value in entries.items()]
    table = "\n".join([f"[{entry_points.GROUP}]", *lines])
    (info / entry_points.FILE).write_text(f"{table}\n", encoding="utf-8")
