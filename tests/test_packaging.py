"""What a wheel carries: every data file beside the code is named by a pattern of pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["hasnet_cli", "hasnet_models"])
def test_every_data_file_of_the_package_is_installed(name):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    package = ROOT / name
    patterns = settings["tool"]["setuptools"]["package-data"][name]
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    files = {p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    forgotten = {p for p in files - installed if p.suffix != ".py"}
    assert not forgotten
