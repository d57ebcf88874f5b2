"""A domain's package written from a few facts: the text that all such packages share.

The text stands in `template/`; a package then holds data. Its references are added by
`hasnet_models.authoring.references` and sealed by `hasnet_models.plugins.seal`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from hasnet_models.atomic import write_whole
from hasnet_models.errors import DomainError
from hasnet_models.plugins.data_file import MANIFEST
from hasnet_models.plugins.domain import API

_FOLDER = "template"
_PACKAGE_FILES = ("pyproject.toml", "LICENSE", "README.md")
_MODULE = "__init__.py"
_ORIGIN = "ORIGIN.md"
SHEET = "sheet.jpg"  # beside the README that shows it


@dataclass(frozen=True)
class Facts:
    """What one domain's package differs from another's by.

    Attributes:
        name: as the user types it.
        title: a few words for people.
        licence: of its vectors.
        origin: a paragraph: where its pictures come from, and what limits them.
        shape, medium: the tables of the manifest; empty to leave them out.
        without: sources whose pictures are not chosen.
        evenly: whether as many dark as light faces are chosen.
        word: how well faces come out in it, shown in the README with the sheet; empty for neither.
        terms: by source, what its collection states, where the index does not say it well.
    """

    name: str
    title: str
    licence: str
    origin: str = ""
    shape: Mapping[str, float] = field(default_factory=dict)
    medium: Mapping[str, Any] = field(default_factory=dict)
    without: Sequence[str] = ()
    evenly: bool = False
    word: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)

    @property
    def distribution(self) -> str:
        return f"hasnet-domain-{self.name}"

    @property
    def package(self) -> str:
        return f"hasnet_domain_{self.name}".replace("-", "_")


def write_package(facts: Facts, folder: Path, kept: Container[str] = ()) -> Path:
    """Write all of a plugin's text but its origin; gives the folder for its data.

    Args:
        folder: of the plugin, made where it is not there.
        kept: paths inside it that are not written; the manifest always is.

    Raises:
        DomainError: a file cannot be written.
    """
    inner = folder / facts.package
    values = _values(facts)
    for name, place in _places(facts).items():
        if place not in kept:
            _write(folder / place, _filled(name, values))
    _write(inner / MANIFEST, manifest(facts))
    return inner


def _places(facts: Facts) -> dict[str, str]:
    """File of the template -> where it goes inside a plugin's folder."""
    return {
        **{name: name for name in _PACKAGE_FILES},
        _MODULE: f"{facts.package}/{_MODULE}",
        # a name of its own, so that pytest can run the tests of several plugins at once
        "test_domain.py": f"tests/test_{facts.package}.py",
    }


def write_origin(
    facts: Facts, folder: Path, numbers: Mapping[str, int], sources: str, command: str
) -> None:
    """Write where a plugin's data come from.

    Args:
        numbers: `count` of references, `shapes` of those with one, `size` of their file in kB.
        sources: rows of `source_rows`.
        command: that wrote the package.

    Raises:
        DomainError: the file cannot be written.
    """
    values = _values(facts) | {name: str(number) for name, number in numbers.items()}
    _write(folder / _ORIGIN, _filled(_ORIGIN, values | {"sources": sources, "command": command}))


def manifest(facts: Facts) -> str:
    """The text of `domain.toml`, not yet sealed."""
    keys = {"api": API, "name": facts.name, "title": facts.title, "licence": facts.licence}
    tables = {"shape": facts.shape, "medium": facts.medium}
    parts = [_items(keys), *(f"[{name}]\n{_items(t)}" for name, t in tables.items() if t)]
    return "\n\n".join(parts) + "\n"


def source_rows(sources: Iterable[str], stated: Mapping[str, str]) -> str:
    """Rows of a table: how many pictures come from each source, and its terms.

    Args:
        stated: terms by source.
    """
    counted = Counter(sources).most_common()
    return "\n".join(f"| {n} | {source} | {stated.get(source, '')} |" for source, n in counted)


def _values(facts: Facts) -> dict[str, str]:
    return {
        "name": facts.name,
        "title": facts.title,
        "description": _quoted(f"hasnet domain: {facts.title}"),
        "licence": facts.licence,
        "licence_ref": re.sub(r"[^A-Za-z0-9.]+", "-", facts.licence.title()),
        "origin": facts.origin.strip(),
        "shown": _shown(facts),
        "distribution": facts.distribution,
        "package": facts.package,
    }


def _shown(facts: Facts) -> str:
    picture = f"![{facts.title}: the example portrait by five references]({SHEET})"
    return f"\n\n{picture}\n\n{facts.word.strip()}" if facts.word else ""


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = resources.files(__package__).joinpath(_FOLDER, f"{name}.txt").read_text("utf-8")
    return Template(text).substitute(values)


def _items(table: Mapping[str, Any]) -> str:
    return "\n".join(f"{key} = {_quoted(value)}" for key, value in table.items())


def _quoted(value: Any) -> str:
    """A string or number as TOML has it, which is as JSON has it."""
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    write_whole(path, text.encode(), DomainError, folders=True)
