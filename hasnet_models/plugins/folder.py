"""A domain from the folder of its package, which is not installed: its data alone.

Only `domain.toml` and the safetensors files that it names are read; the package's Python is not
imported.
"""

from __future__ import annotations

from pathlib import Path

from hasnet_models.errors import DomainError
from hasnet_models.plugins.domain import MANIFEST, Domain


def package_in(folder: Path) -> Path:
    """Where the manifest lies: the folder itself, or the one package in it.

    Raises:
        DomainError: there is no manifest, or more than one.
    """
    if (folder / MANIFEST).is_file():
        return folder
    if not folder.is_dir():
        raise DomainError(f"There is no folder {folder}.")
    found = sorted(folder.glob(f"*/{MANIFEST}"))
    if not found:
        raise DomainError(f"{folder} holds no package with a {MANIFEST}.")
    if len(found) > 1:
        raise DomainError(f"{folder} holds {len(found)} packages of domains.", "Name one of them.")
    return found[0].parent


def package_of(domain: Domain) -> Path:
    """The folder of a domain's package, that with its manifest."""
    return next(one for one in domain.reference_file.path.parents if (one / MANIFEST).is_file())


def open_domain(folder: Path) -> Domain:
    """The domain whose package lies in a folder, as one that is installed.

    Raises:
        DomainError: there is none, or its manifest is wrong.
    """
    return Domain.from_folder(package_in(folder))
