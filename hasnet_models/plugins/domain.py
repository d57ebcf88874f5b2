"""What a plugin says about a domain: one record, read from its `domain.toml`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from hasnet_models.errors import DomainError
from hasnet_models.plugins.data_file import MANIFEST, SUFFIX, DataFile, located
from hasnet_models.plugins.layout import is_text
from hasnet_models.topology.strength import Shaping

API = 2
_APIS = (1, API)  # manifests of the first kind lack what is optional
_LARGEST_MANIFEST = 64 << 10  # bytes; ours have 0.4 kB
RESERVED = frozenset({"none"})
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_KEYS = {"api": int, "name": str, "title": str, "licence": str, "references": dict}
_OPTIONAL_KEYS = {"head": dict, "shape": dict, "medium": dict}
_TOML_NAMES = {int: "whole number", str: "string", dict: "table"}


@dataclass(frozen=True)
class Domain:
    """A visual world: its references and, where it has one, its TT-Net head.

    Args:
        name: what the user types: lower-case letters, digits, '-' and '_'.
        title: a few words for people.
        licence: the terms its vectors and head come under.
        reference_file: read when `references` is first used.
        head_file: checked when `head` is first used; None where the base network serves.
        shaping: how far faces go to its shape.
        medium: the table of the medium it is made in, as sorted items; see `plugins.media`, which
            this module does without as it holds arrays. Empty for none.
        package: the Python package it came from.
        distribution: the installed distribution, filled in by the registry, as is
        version: of that distribution.
    """

    name: str
    title: str
    licence: str
    reference_file: DataFile
    head_file: DataFile | None = None
    shaping: Shaping = field(default_factory=Shaping)
    medium: tuple[tuple[str, Any], ...] = ()
    package: str = ""
    distribution: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        require_name(self.name)

    @cached_property
    def reference_set(self) -> Any:
        """What its reference file holds, a `hasnet_models.plugins.reference.ReferenceSet`.

        That record holds arrays; this module does without numpy, so that domains are found fast.

        Raises:
            DomainError: the file is missing or damaged.
        """
        from hasnet_models.plugins.reference import load_reference_set

        return load_reference_set(self.reference_file)

    @property
    def references(self) -> tuple[Any, ...]:
        """The references, at least one, as `hasnet_models.plugins.reference.Reference`.

        Raises:
            DomainError: as `reference_set`.
        """
        return self.reference_set.references

    @cached_property
    def reference_names(self) -> tuple[str, ...]:
        """The names alone, read without numpy, so that listing domains costs nothing.

        Raises:
            DomainError: the file is missing or damaged.
        """
        from hasnet_models.plugins.layout import REFERENCES, about_references

        content = self.reference_file.content(REFERENCES.largest)
        with self.reference_file.explained():
            return tuple(about_references(REFERENCES.check(content))["names"])

    @cached_property
    def head(self) -> Path | None:
        """The head's safetensors file, checked (`plugins.head`), or None.

        Raises:
            DomainError: the file is missing or damaged, or does not fit TT-Net.
        """
        if self.head_file is None:
            return None
        from hasnet_models.plugins.head import checked_head

        return checked_head(self.head_file)

    def reference(self, wanted: str) -> Any:
        """The reference of that number (from 1) or name.

        Raises:
            DomainError: there is none.
        """
        by_name = {reference.name: reference for reference in self.references}
        if wanted in by_name:
            return by_name[wanted]
        if wanted.isdecimal() and 1 <= int(wanted) <= len(self.references):
            return self.references[int(wanted) - 1]
        raise DomainError(
            f"Domain '{self.name}' has no reference '{wanted}'.",
            f"It has 1 to {len(self.references)}, named {self.references[0].name} to "
            f"{self.references[-1].name}; 'likest' and 'random' choose one.",
        )

    @classmethod
    def from_package(cls, package: str) -> Domain:
        """Read the `domain.toml` of an importable package.

        Raises:
            DomainError: the manifest is missing or wrong, or a file it names is not there.
        """
        import importlib.resources

        return cls.from_folder(Path(str(importlib.resources.files(package))), package)

    @classmethod
    def from_folder(cls, folder: Path, package: str = "") -> Domain:
        """Read the `domain.toml` in a package's folder; none of its code is run.

        Args:
            package: its name, without which it is called as the folder.

        Raises:
            DomainError: as `from_package`.
        """
        package = package or folder.resolve().name
        return cls.from_manifest(read_manifest(folder, package), folder, package)

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any], folder: Path, package: str) -> Domain:
        """Make the record of a manifest whose files lie in `folder`.

        Raises:
            DomainError: a key is missing, unknown or of the wrong type, or a file is missing.
        """
        where = f"{MANIFEST} of {package}"
        _check_keys(manifest, where)
        head = manifest.get("head")
        return cls(
            name=manifest["name"],
            title=manifest["title"],
            licence=manifest["licence"],
            reference_file=_data_file(manifest["references"], folder, package),
            head_file=_data_file(head, folder, package) if head is not None else None,
            shaping=_shaping(manifest.get("shape", {}), where),
            medium=_medium(manifest.get("medium"), where),
            package=package,
        )


def require_name(name: str) -> None:
    """Raises DomainError where a domain cannot be called so."""
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise DomainError(
            f"'{name}' cannot be the name of a domain.",
            "Use lower-case letters, digits, '-' and '_', and not 'none'.",
        )


def read_manifest(folder: Path, package: str) -> dict[str, Any]:
    """The tables of the `domain.toml` in a package's folder.

    Raises:
        DomainError: it is missing, too large, elsewhere or no TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    if not os.path.lexists(folder / MANIFEST):
        raise DomainError(f"Package {package} has no {MANIFEST}.")
    try:
        path = located(MANIFEST, folder)
    except ValueError as error:
        raise DomainError(f"Package {package} has a {MANIFEST} {error}.") from error
    content = DataFile(path, package=package).content(_LARGEST_MANIFEST)
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise DomainError(f"{MANIFEST} of {package} cannot be read: {error}.") from error


def _check_keys(manifest: Mapping[str, Any], where: str) -> None:
    api = manifest.get("api")
    if api not in _APIS:
        raise DomainError(f"{where} says api = {api}, but this hasnet reads api = {API}.")
    kinds = _KEYS | _OPTIONAL_KEYS
    if unknown := sorted(manifest.keys() - kinds.keys()):
        raise DomainError(f"{where} has the unknown key '{unknown[0]}'.")
    for key, kind in kinds.items():
        if key in _OPTIONAL_KEYS and key not in manifest:
            continue
        if not isinstance(manifest.get(key), kind):
            raise DomainError(f"{where} needs '{key}' as a {_TOML_NAMES[kind]}.")
        if kind is str and not is_text(manifest[key]):
            raise DomainError(f"{where} needs '{key}' as one printable line.")


def _shaping(table: Mapping[str, Any], where: str) -> Shaping:
    """The table [shape], whose keys are those of `Shaping`."""
    known = {known.name for known in fields(Shaping)}
    if unknown := sorted(table.keys() - known):
        raise DomainError(f"{where} has the unknown key '{unknown[0]}' in [shape].")
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DomainError(f"{where} needs '{name}' in [shape] as a number.")
    try:
        return Shaping(**table)
    except ValueError as error:
        raise DomainError(f"{where}, [shape]: {error}.") from error


def _medium(table: Mapping[str, Any] | None, where: str) -> tuple[tuple[str, Any], ...]:
    """The table [medium]: a kind, and numbers that it knows."""
    if table is None:
        return ()
    if not isinstance(table.get("kind"), str):
        raise DomainError(f"{where} needs 'kind' in [medium] as a string.")
    return tuple(sorted(table.items()))


def _data_file(table: Mapping[str, Any], folder: Path, package: str) -> DataFile:
    where = f"{MANIFEST} of {package}"
    file, sha256 = table.get("file"), table.get("sha256", "")
    if not isinstance(file, str) or not isinstance(sha256, str):
        raise DomainError(f"{where} needs 'file' and 'sha256' as strings.")
    if not file.endswith(SUFFIX):
        raise DomainError(f"{where} names {file!r:.80}, but data is in {SUFFIX} files only.")
    if not _SHA256.fullmatch(sha256):
        states = "a wrong" if sha256 else "no"
        raise DomainError(
            f"{where} states {states} sha256 for {file!r:.80}.",
            "Its author seals it with hasnet_models.plugins.seal.seal_plugin.",
        )
    try:
        return DataFile(located(file, folder), sha256.lower(), package)
    except ValueError as error:
        raise DomainError(f"{where} names {file!r:.80}, {error}.") from error
