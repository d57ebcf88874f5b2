"""The pytest plugin for the tests of plugins, in runs of pytest of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import make_reference

from hasnet_models.errors import DomainError
from hasnet_models.plugins.reference import save_references
from hasnet_models.plugins.seal import seal_plugin
from hasnet_models.plugins.template import Facts, write_package
from hasnet_models.testing import assert_domain_ok
from hasnet_models.testing.tiny import preset

pytest_plugins = ["pytester"]
FACTS = Facts("woodcut", "Woodcut", "CC0-1.0", medium={"kind": "ink"})
USE = 'pytest_plugins = ["hasnet_models.testing"]\n'


@pytest.fixture
def plugin(pytester: pytest.Pytester) -> Path:
    """A plugin as the template writes it, with data."""
    folder = pytester.mkdir("hasnet-domain-woodcut")
    file = write_package(FACTS, folder) / "references.safetensors"
    save_references(file, [make_reference(f"woodcut-{i}", i) for i in range(3)])
    seal_plugin(folder)
    return folder


def test_the_tests_of_the_template_pass(pytester, plugin):
    pytester.runpytest(plugin).assert_outcomes(passed=2)


def test_they_fail_where_the_package_is_broken(pytester, plugin):
    (plugin / "hasnet_domain_woodcut" / "references.safetensors").write_bytes(b"x")
    result = pytester.runpytest(plugin)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*hasnet_domain_woodcut is not sound:*", "*damaged: its sha256*"])


def test_the_tests_of_two_plugins_can_be_run_at_once(pytester, plugin):
    other = pytester.path / "hasnet-domain-lino"
    inner = write_package(Facts("lino", "Linocut", "CC0-1.0"), other)
    shutil.copy(plugin / "hasnet_domain_woodcut" / "references.safetensors", inner)
    seal_plugin(other)
    pytester.runpytest(plugin, other, "-k", "sound").assert_outcomes(passed=2, deselected=2)


def test_offline_hides_what_is_installed_and_the_users_settings(pytester, plugin, monkeypatch):
    monkeypatch.setenv("HASNET_DISABLE_PLUGINS", "woodcut")
    file = pytester.makepyfile(
        USE + f"""
from hasnet_models.plugins import discover

def test_nothing_is_there(hasnet_offline):
    assert discover().domains == () and discover().failures == ()

def test_one_plugin_alone(hasnet_offline):
    (domain,) = hasnet_offline.use({str(plugin)!r}).domains
    assert domain.name == "woodcut" and domain.distribution == "hasnet-domain-woodcut"
    assert discover().get("woodcut") == domain

def test_the_next_test_starts_anew(hasnet_offline):
    assert discover().domains == ()
"""
    )
    pytester.runpytest(file).assert_outcomes(passed=3)


def test_offline_takes_the_folder_before_an_installed_copy(pytester, plugin, monkeypatch):
    installed = pytester.path / "installed"
    shutil.copytree(plugin / "hasnet_domain_woodcut", installed / "hasnet_domain_woodcut")
    monkeypatch.syspath_prepend(str(installed))
    file = pytester.makepyfile(
        USE + f"""
from pathlib import Path
import hasnet_domain_woodcut

def test_it(hasnet_offline):
    domain = hasnet_offline.use({str(plugin)!r}).get("woodcut")
    assert Path({str(plugin)!r}) in domain.reference_file.path.parents

def test_the_copy_is_back():
    import hasnet_domain_woodcut as again
    assert again is hasnet_domain_woodcut
"""
    )
    pytester.runpytest(file).assert_outcomes(passed=2)


def test_a_broken_plugin_is_a_failure_of_the_test(pytester, plugin):
    (plugin / "hasnet_domain_woodcut" / "__init__.py").write_text("raise OSError('gone')")
    file = pytester.makepyfile(
        USE + f"""
def test_it(hasnet_offline):
    hasnet_offline.use({str(plugin)!r}).get("woodcut")

def test_no_plugin(hasnet_offline, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]")
    hasnet_offline.use(tmp_path)
"""
    )
    result = pytester.runpytest(file)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*failed at import: OSError: gone*", "*announces nothing*"])


def test_tiny_networks_are_the_same_each_time(pytester, plugin):
    file = pytester.makepyfile(
        USE + f"""
import numpy as np
from hasnet_models.testing.drawing import Tiny

def test_it(hasnet_offline, hasnet_tiny):
    domain = hasnet_offline.use({str(plugin)!r}).get("woodcut")
    one = hasnet_tiny.avatar(domain, "2")
    assert one.shape == (512, 512, 3) and one.dtype == np.uint8
    assert (Tiny().avatar(domain, "2") == one).all()
"""
    )
    pytester.runpytest(file).assert_outcomes(passed=1)


def test_nothing_is_loaded_in_tests_that_do_not_ask(pytester):
    pytester.makepyfile("import sys\ndef test(): assert 'hasnet_models' not in sys.modules")
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_assert_domain_ok_takes_a_domain_or_a_folder(plugin, tmp_path):
    from hasnet_models.plugins.folder import open_domain

    for sound in (plugin, str(plugin / "hasnet_domain_woodcut"), open_domain(plugin)):
        assert_domain_ok(sound)
    with pytest.raises(DomainError, match="no package"):
        assert_domain_ok(tmp_path)
    (plugin / "hasnet_domain_woodcut" / "notes.pkl").write_bytes(b"")
    with pytest.raises(AssertionError, match=r"files: .*notes\.pkl"):
        assert_domain_ok(plugin)


def test_a_tiny_preset_with_nonsense_says_so():
    with pytest.raises(ValueError, match="grid"):
        preset(tt={"grid": -1})
