"""What an author says of a domain, checked before anything is done; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hasnet_models.data.importers.dataset import ALIGN
from hasnet_models.errors import DomainError, UsageError
from hasnet_models.plugins.domain import MANIFEST, read_manifest, require_name
from hasnet_models.plugins.template import Facts

__all__ = ["ALIGN", "COUNT", "HEAD", "REFERENCES", "SOURCE", "Pictures", "Wanted"]

COUNT = 36  # references
REFERENCES, HEAD = "references.safetensors", "head.safetensors"
NOT_STATED = "not stated"
SOURCE = "own pictures"
_LONGEST_NAME = 40
_FROM_MANIFEST = ("title", "licence", "shape", "medium")


@dataclass(frozen=True)
class Wanted:
    """What the package of a domain is to be.

    Attributes:
        name: lower-case letters, digits, '-' and '_'.
        parent: the folder that its package is put into.
        title: a few words; None for those of a package that is there, or the name.
        licence: of its vectors; None likewise.
        source: where its pictures come from, in a few words.
        overwrite: whether the data of a package that is there are made anew.
    """

    name: str
    parent: Path = Path()
    title: str | None = None
    licence: str | None = None
    source: str = SOURCE
    overwrite: bool = False

    @cached_property
    def facts(self) -> Facts:
        """What its package says, that of a package which is there taken over.

        Raises:
            UsageError: it cannot be called so, or a text is no single line.
            DomainError: the manifest that is there cannot be read.
        """
        _check_name(self.name)
        usual = Facts(self.name, self.name.replace("-", " ").title(), NOT_STATED)
        said = _said(self.parent / usual.distribution / usual.package)
        asked = {"title": self.title, "licence": self.licence}
        facts = replace(usual, **said | {key: v for key, v in asked.items() if v is not None})
        texts = {"title": facts.title, "licence": facts.licence, "source": self.source}
        for key, text in texts.items():
            _check_line(key, text)
        return facts

    @property
    def folder(self) -> Path:
        """Of its package."""
        return self.parent / self.facts.distribution

    def check_new(self) -> None:
        """Raises UsageError where there is something of that name already."""
        if self.folder.exists():
            raise UsageError(f"{self.folder} is there already.")

    def check(self) -> None:
        """Raises UsageError where there is something that is not to be written over."""
        inner = self.folder / self.facts.package
        if self.folder.exists() and not (inner / MANIFEST).is_file():
            raise UsageError(f"{self.folder} is there already, and is no package of {self.name}.")
        if (inner / REFERENCES).exists() and not self.overwrite:
            raise UsageError(
                f"{self.folder} is there already.",
                "Give overwrite=True to make its references anew.",
                parameters=("overwrite",),
            )


@dataclass(frozen=True)
class Pictures:
    """The pictures that a domain is made of.

    Attributes:
        folder: they lie in it, or in folders inside it.
        count: of references, at most.
        medium: the kind that they are made in, "none", or None for what the package has.
        align: "detect" (leave out pictures without a face), "keep" (they are aligned crops) or
            "try" (find the face, or else keep the picture).
    """

    folder: Path
    count: int = COUNT
    medium: str | None = None
    align: str = ALIGN[0]


def _said(package: Path) -> Mapping[str, Any]:
    """What the manifest of a package says that is there."""
    if not (package / MANIFEST).exists():
        return {}
    said = read_manifest(package, package.name)
    return {key: said[key] for key in _FROM_MANIFEST if key in said}


def _check_name(name: str) -> None:
    try:
        require_name(name)
    except DomainError as error:
        raise UsageError(str(error), error.hint) from error
    if len(name) > _LONGEST_NAME or not name[-1].isalnum():
        raise UsageError(
            f"'{name:.80}' cannot be the name of a package.",
            f"Use at most {_LONGEST_NAME} characters, the last a letter or digit.",
        )


def _check_line(key: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise UsageError(f"The {key} of a domain is one line of text.", parameters=(key,))
