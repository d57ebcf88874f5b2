"""Shared by the tests: fake installed plugins, found the way real ones are."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import nano
import numpy as np
import pytest
import torch
from browsing import chromium
from fakes import FakePipeline

from hasnet_cli import factory
from hasnet_cli.main import main
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.plugins import forget
from hasnet_models.plugins.reference import Reference, save_references
from hasnet_models.testing.offline import hide_installed_plugins, hide_the_user
from hasnet_models.weights import digests

MISSING = "could not import"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "fail where tests were skipped because a package is not installed"
    parser.addoption("--no-missing", action="store_true", help=text)


def pytest_configure() -> None:
    """The processes of pytest-xdist share the cores, which torch would else take in each.

    So do onnxruntime and the programs that the tests start, by the variable."""
    if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
        threads = max(1, torch.get_num_threads() // int(workers))
        torch.set_num_threads(threads)
        os.environ["OMP_NUM_THREADS"] = str(threads)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With --no-missing, what `importorskip` passed over is a failure of the run."""
    if session.config.getoption("--no-missing") and _missing(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if config.getoption("--no-missing"):
        for reason in _missing(config):
            terminalreporter.write_line(f"a package is missing: {reason}", red=True)


def _missing(config: pytest.Config) -> list[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reasons = (str(report.longrepr) for report in reporter.stats.get("skipped", []))
    return [reason for reason in reasons if MISSING in reason]


GOOD_PLUGIN = """
from hasnet_models.plugins import Domain, hookimpl


@hookimpl
def hasnet_domains():
    yield Domain.from_package(__name__)
"""


def make_reference(name: str, seed: int) -> Reference:
    rng = np.random.default_rng(seed)
    z_id = rng.normal(size=192).astype(np.float32)
    palette = rng.integers(0, 256, (20, 3), dtype=np.uint8)
    return Reference(name, palette, z_id / np.linalg.norm(z_id))


class Site:
    """A folder on sys.path that stands for site-packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, name: str, code: str = GOOD_PLUGIN, *, domain: str | None = None, version: str = "1.0"
    ) -> Path:
        """Install distribution `hasnet-domain-<name>` with one entry point; gives its package."""
        package = self.folder / f"fake_domain_{name}"
        package.mkdir()
        (package / "__init__.py").write_text(code)
        self.write_data(package, domain or name)
        info = self.folder / f"hasnet_domain_{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: hasnet-domain-{name}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[hasnet]\n{name} = fake_domain_{name}\n")
        return package

    @staticmethod
    def write_data(package: Path, domain: str, count: int = 3) -> None:
        file = package / "references.safetensors"
        save_references(file, [make_reference(f"{domain}-{i:02d}", i) for i in range(1, count + 1)])
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        (package / "domain.toml").write_text(
            f'api = 1\nname = "{domain}"\ntitle = "{domain.title()} world"\n'
            f'licence = "test only"\n\n[references]\nfile = "{file.name}"\nsha256 = "{digest}"\n'
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Fake site-packages; really installed plugins are out of sight."""
    forget()
    folder = tmp_path / "site"
    folder.mkdir()
    before = set(sys.modules)
    hide_installed_plugins(monkeypatch, folder)
    yield Site(folder)
    forget()
    for name in set(sys.modules) - before:
        if name.startswith("fake_domain_"):
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Faces of three domains, see `nano.make_folder`."""
    return nano.make_folder(tmp_path / "faces")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator:
    """A real browser, see `browsing`; what it downloads lies in `tmp_path / "downloads"`."""
    with chromium(tmp_path) as driver:
        yield driver


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB, where the tests may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if not mount or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept between processes is kept apart from what the user has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
        digests.flush()


@pytest.fixture(scope="session")
def networks() -> AvatarPipeline:
    """The real networks, loaded once for all tests."""
    return AvatarPipeline.load("cpu")


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    """The command line gets this in place of the networks."""
    fake = FakePipeline()
    monkeypatch.setattr(factory, "load_pipeline", lambda *_: fake)
    monkeypatch.setattr(factory, "open_ahead", lambda *_: lambda: None)
    return fake


@pytest.fixture
def run(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Callable:
    """Call `hasnet` in an empty folder; gives exit code, standard output, standard error."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    hide_the_user(monkeypatch, tmp_path / "home")

    def call(*args: object) -> Outcome:
        capsys.readouterr()
        forget()  # each call stands for a process
        code = main([str(arg) for arg in args])
        return Outcome(code, *capsys.readouterr())

    return call


class Outcome(NamedTuple):
    code: int
    out: str
    err: str
