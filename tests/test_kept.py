"""What is kept between processes, and when it is believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hasnet_cli import kept
from hasnet_models.plugins.manager import Manager


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "plugin.py"
    path.write_text("x = 1\n")
    return path


def test_an_answer_comes_back_as_long_as_nothing_changes(source):
    assert kept.read("names", {}) is None
    kept.write("names", {}, {"a": [1, "ä"]}, [source, source.with_name("missing")])
    assert kept.read("names", {}) == {"a": [1, "ä"]}
    assert kept.read("other", {}) is None
    assert kept.read("names", {"HASNET_PLUGINS": ""}) is None
    assert kept.read("names", {"HASNET_DISABLE_PLUGINS": "x"}) is None
    assert kept.read("names", {"HASNET_DEVICE": "cpu"}) is not None


@pytest.mark.parametrize("change", ["written", "gone", "appeared", "same size and time"])
def test_a_file_that_changes_ends_it(source, change):
    missing = source.with_name("missing")
    kept.write("names", {}, [1], [source, missing])
    found = source.stat()
    if change == "gone":
        source.unlink()
    elif change == "appeared":
        missing.touch()
    else:
        source.write_text("x = 2\n" if change == "same size and time" else "x = 10\n")
    if change == "same size and time":
        os.utime(source, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert kept.read("names", {}) is None


@pytest.mark.parametrize("change", ["installed", "upgraded", "removed", "another version"])
def test_a_distribution_that_comes_or_goes_ends_it(tmp_path, monkeypatch, change):
    place = tmp_path / "site"
    old = place / "some-1.0.dist-info"
    old.mkdir(parents=True)
    entries = old / "entry_points.txt"
    entries.write_text("[hasnet]\na = b\n")
    monkeypatch.syspath_prepend(str(place))
    kept.write("names", {}, [1], [])
    assert kept.read("names", {}) == [1]
    if change == "installed":
        (place / "other-1.0.dist-info").mkdir()
    elif change == "upgraded":
        old.rename(place / "some-1.1.dist-info")
    elif change == "removed":
        entries.unlink()
    else:
        monkeypatch.setattr(kept, "__version__", "99")
    assert kept.read("names", {}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"state": 1}', "\udcff"])
def test_a_damaged_file_is_as_if_there_were_none(cache, text):
    kept.write("names", {}, [1], [])
    (file,) = (cache / "hasnet" / "plugins").iterdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert kept.read("names", {}) is None
    kept.write("names", {}, [2], [])
    assert kept.read("names", {}) == [2]


def test_where_nothing_can_be_written_nothing_is_kept(cache):
    cache.write_text("a file")
    kept.write("names", {}, [1], [])
    assert kept.read("names", {}) is None


def test_the_files_of_plugins_are_those_of_their_packages(site):
    package = site.install("good")
    (package / "more.py").write_text("y = 1\n")
    init = package / "__init__.py"
    init.write_text(f"from {package.name} import more\n" + init.read_text())
    manager = Manager({})
    assert manager.files() == set()
    manager.registry()
    assert manager.files() == {init, package / "more.py"}


def test_what_has_no_file_cannot_be_kept(site):
    code = "del __file__\nfrom hasnet_models.plugins import hookimpl\n@hookimpl\n"
    site.install("bare", code + "def hasnet_domains(): return []\n")
    manager = Manager({})
    manager.registry()
    assert manager.files() is None
