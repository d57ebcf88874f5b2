"""A domain's package written from facts loads as any other, and its text is its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hasnet_models.errors import DomainError
from hasnet_models.plugins import Domain
from hasnet_models.plugins.seal import seal_plugin
from hasnet_models.plugins.template import Facts, manifest, source_rows, write_origin, write_package

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FACTS = Facts(
    "old-woodcut",
    'The "old" woodcut',
    "CC BY 4.0",
    origin="They cost $5 each.",
    shape={"strength": 0.75},
    medium={"kind": "ink", "line": 0.5},
)


def test_a_written_package_is_a_plugin(tmp_path: Path):
    inner = write_package(FACTS, tmp_path / "new")
    (inner / "references.safetensors").write_bytes(b"r")
    (path,) = seal_plugin(tmp_path / "new")
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    domain = Domain.from_manifest(read, inner, FACTS.package)
    assert (domain.name, domain.title, domain.licence) == (FACTS.name, FACTS.title, FACTS.licence)
    assert domain.shaping.strength == 0.75 and dict(domain.medium) == FACTS.medium
    project = tomllib.loads((tmp_path / "new" / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["hasnet"] == {
        "old-woodcut": "hasnet_domain_old_woodcut"
    }
    assert project["project"]["license"] == "MIT AND LicenseRef-Cc-By-4.0"
    compile((inner / "__init__.py").read_text(encoding="utf-8"), "__init__.py", "exec")


def test_empty_tables_are_left_out():
    assert set(tomllib.loads(manifest(Facts("x", "X", "L")))) == {"api", "name", "title", "licence"}


def test_the_origin_counts_its_sources(tmp_path: Path):
    rows = source_rows(["b", "a", "b"], {"a": "CC0", "b": "none stated"})
    assert rows == "| 2 | b | none stated |\n| 1 | a | CC0 |"
    write_origin(FACTS, tmp_path, {"count": 3, "shapes": 2, "size": 40}, rows, "make it")
    text = (tmp_path / "ORIGIN.md").read_text(encoding="utf-8")
    assert rows in text and "They cost $5 each." in text and "(40 kB)" in text
    assert "    make it\n" in text


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path):
    (tmp_path / "new").write_bytes(b"")
    with pytest.raises(DomainError, match="cannot be written"):
        write_package(FACTS, tmp_path / "new")
