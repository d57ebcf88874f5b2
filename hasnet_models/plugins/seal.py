"""The sha256 of a domain's data files, written into its `domain.toml` after they change."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hasnet_models.atomic import write_whole
from hasnet_models.errors import DomainError
from hasnet_models.plugins.data_file import MANIFEST

TABLES = ("references", "head")


def sealed_manifest(package: Path) -> str:
    """The manifest of a package's folder with fresh [references] and [head] tables.

    [head] is there where `head.safetensors` is. The keys before the first table and all other
    tables are kept as they are written.

    Raises:
        DomainError: `domain.toml` or `references.safetensors` is missing or cannot be read.
    """
    try:
        manifest = _read(package / MANIFEST).decode()
    except UnicodeDecodeError as error:
        raise DomainError(f"{package / MANIFEST} is not UTF-8.") from error
    keys, *tables = manifest.split("\n[")
    kept = ["[" + table.rstrip() for table in tables if table.split("]", 1)[0] not in TABLES]
    names = [name for name in TABLES if name == TABLES[0] or _file(package, name).exists()]
    sealed = [_table(_file(package, name), name) for name in names]
    return "\n\n".join([keys.rstrip(), *kept, *sealed]) + "\n"


def seal_plugin(folder: Path) -> list[Path]:
    """Seal each package directly below a plugin's folder; gives the manifests written.

    Raises:
        DomainError: as `sealed_manifest`, there is no package with a `domain.toml`, or one cannot
            be written.
    """
    manifests = sorted(folder.glob(f"*/{MANIFEST}"))
    if not manifests:
        raise DomainError(f"{folder} holds no package with a {MANIFEST}.")
    return [seal_package(manifest.parent) for manifest in manifests]


def seal_package(package: Path) -> Path:
    """Write the sealed manifest of one package's folder; gives the manifest.

    Raises:
        DomainError: as `sealed_manifest`, or it cannot be written.
    """
    manifest, text = package / MANIFEST, sealed_manifest(package)
    write_whole(manifest, text.encode(), DomainError)
    return manifest


def _file(package: Path, name: str) -> Path:
    return package / f"{name}.safetensors"


def _table(file: Path, name: str) -> str:
    digest = hashlib.sha256(_read(file)).hexdigest()
    return f'[{name}]\nfile = "{file.name}"\nsha256 = "{digest}"'


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DomainError(f"{path} cannot be read: {error.strerror}.") from error
