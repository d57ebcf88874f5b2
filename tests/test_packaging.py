"""What a wheel carries: every data file beside the code is named by a pattern of pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]


def test_every_data_file_of_the_package_is_installed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    package = ROOT / "hasnet_models"
    patterns = settings["tool"]["setuptools"]["package-data"]["hasnet_models"]
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    files = {p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    forgotten = {p for p in files - installed if p.suffix != ".py"}
    assert not forgotten
