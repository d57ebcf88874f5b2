"""The plugin of one domain alone."""

from __future__ import annotations

import sys

import pytest

from hasnet_cli import factory
from hasnet_cli.home import registry_for
from hasnet_models.errors import DomainError
from hasnet_models.plugins import forget

BROKEN = "raise OSError('no such library')\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def again():
    """As in another process: what was loaded is forgotten."""

    def _again() -> None:
        forget()
        for name in loaded():
            del sys.modules[name]  # for good: put back later, it would serve another test

    return _again


def loaded() -> set[str]:
    return {name for name in sys.modules if name.startswith("fake_domain_")}


def names(registry) -> list[str]:
    return [domain.name for domain in registry.domains]


def test_the_second_time_only_its_own_plugin_is_imported(site, again):
    site.install("one", version="2.5")
    site.install("two")
    first = registry_for("one")
    assert names(first) == ["one", "two"]
    again()
    second = registry_for("one")
    assert names(second) == ["one"] and loaded() == {"fake_domain_one"}
    (domain,) = second.domains
    assert (domain.distribution, domain.version) == ("hasnet-domain-one", "2.5")
    assert domain.reference_names == first.get("one").reference_names


@pytest.mark.parametrize("name", [None, "none", "three", "./two"])
def test_for_anything_else_all_are_asked(site, again, name):
    site.install("one")
    site.install("two")
    registry_for("one")
    again()
    assert names(registry_for(name)) == ["one", "two"]
    with pytest.raises(DomainError, match="three"):
        registry_for("three").get("three")


@pytest.mark.parametrize("change", ["installed", "written"])
def test_a_change_of_what_is_installed_is_seen(site, again, change):
    package = site.install("one")
    registry_for("one")
    again()
    if change == "installed":
        site.install("two")
        assert names(registry_for("one")) == ["one", "two"]
    else:
        (package / "__init__.py").write_text("import no_such_module_here\n")
        registry = registry_for("one")
        assert not registry.domains and [f.plugin for f in registry.failures] == ["one"]


def test_where_a_plugin_is_broken_it_is_said_every_time(site, again):
    site.install("one")
    site.install("broken", BROKEN)
    for _ in range(2):
        assert [failure.plugin for failure in registry_for("one").failures] == ["broken"]
        again()


def test_a_name_of_two_plugins_is_refused_every_time(site, again):
    site.install("one")
    site.install("other", domain="one")
    site.install("third")
    for _ in range(2):
        with pytest.raises(DomainError, match="is provided by"):
            registry_for("one").get("one")
        again()
    assert names(registry_for("third")) == ["third"]


def test_what_no_plugin_but_ours_has_is_kept_too(site, again):
    assert names(registry_for("one")) == []
    again()
    assert names(registry_for("one")) == [] and names(factory.find_domains()) == []
