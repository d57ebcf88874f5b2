"""A file of a plugin, read no further than its limits and only as the manifest describes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hasnet_models.errors import DomainError

MANIFEST = "domain.toml"
SUFFIX = ".safetensors"
_AGAIN = "Install the plugin again."


@dataclass(frozen=True)
class DataFile:
    """A file of a plugin.

    Args:
        path: where it lies.
        sha256: in hexadecimal. Every manifest states it; empty for a file that no manifest names,
            which is taken as it is.
        package: the Python package it belongs to, for errors.
    """

    path: Path
    sha256: str = ""
    package: str = ""

    def __str__(self) -> str:
        return f"{self.path.name} of {self.package}" if self.package else str(self.path)

    def content(self, most: int) -> bytes:
        """The whole file, once its hash was found to be the manifest's.

        Args:
            most: bytes; a larger file is not read.

        Raises:
            DomainError: it is missing, unreadable, too large or has another hash.
        """
        import hashlib

        try:
            with self.path.open("rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            raise DomainError(f"{self} cannot be read: {error.strerror}.") from error
        if len(content) > most:
            raise DomainError(f"{self} is too large: {most:,} bytes are the most.")
        if self.sha256 and hashlib.sha256(content).hexdigest() != self.sha256:
            raise DomainError(
                f"{self} is damaged: its sha256 is not the one in {MANIFEST}.", _AGAIN
            )
        return content

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What is wrong with the content, found in this block, becomes one sentence.

        Raises:
            DomainError: the block raised what code that reads data raises.
        """
        try:
            yield
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise DomainError(f"{self} cannot be used: {error}.") from error


def located(file: str, folder: Path) -> Path:
    """Where a file lies that a manifest names, if that is a regular file inside the package.

    Args:
        folder: of the package; it may itself be reached by a link.

    Raises:
        ValueError: it lies elsewhere, or there is none; the message follows the file's name.
    """
    try:
        path = folder / file
        inside = path.resolve().is_relative_to(folder.resolve())
        there = inside and path.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a null byte
        raise ValueError("which is no path") from error
    if not inside:
        raise ValueError("which leads out of the package")
    if not there:
        raise ValueError("which is not in the package")
    return path
