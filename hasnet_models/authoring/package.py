"""A domain's package as files: the text of the template, the references, origin and hashes."""

from __future__ import annotations

import shutil
from collections.abc import Container, Mapping
from pathlib import Path

from hasnet_models.atomic import filling
from hasnet_models.authoring.wanted import HEAD, REFERENCES
from hasnet_models.errors import HasnetError
from hasnet_models.plugins.domain import MANIFEST
from hasnet_models.plugins.folder import package_in
from hasnet_models.plugins.reference import ReferenceSet, load_reference_set, save_references
from hasnet_models.plugins.seal import seal_package, seal_plugin
from hasnet_models.plugins.template import Facts, source_rows, write_origin, write_package
from hasnet_models.weights.load import load_tt


def write_domain(
    facts: Facts,
    folder: Path,
    found: ReferenceSet | None,
    stated: Mapping[str, str],
    command: str,
    kept: Container[str] = (),
) -> None:
    """Write a whole plugin, sealed.

    Args:
        folder: of the plugin, made where it is not there.
        found: its references; None leaves those that are there.
        stated: by source, the terms that its collection states.
        command: that made it, for the origin.
        kept: text that is not written, as paths inside the folder; the manifest always is.

    Raises:
        DomainError: a file cannot be written, or there are no references.
    """
    file = write_package(facts, folder, kept) / REFERENCES
    if found is not None:
        save_references(file, found.references, found.shape, found.appearance)
    references = load_reference_set(file).references
    numbers = {
        "count": len(references),
        "shapes": sum(one.shape is not None for one in references),
        "size": round(file.stat().st_size / 1000),
    }
    rows = source_rows((one.source for one in references), {**stated, **facts.terms})
    write_origin(facts, folder, numbers, rows, command)
    seal_plugin(folder)


def text_in(folder: Path) -> set[str]:
    """The files that a plugin's folder has already, as paths inside it."""
    found = (path.relative_to(folder).as_posix() for path in folder.glob("*"))
    inner = (path.relative_to(folder).as_posix() for path in folder.glob("*/*"))
    return {*found, *inner}


def seal(folder: Path, head: Path | None = None) -> Path:
    """Write the hashes of a package's data anew; gives the manifest.

    Args:
        folder: of the plugin, or of its package.
        head: a file of TT-Net tensors that is put into the package first.

    Raises:
        DomainError: there is no such package, or its data cannot be read.
        WeightsError: the head is missing, damaged or does not fit the base network.
        HasnetError: the package cannot be written.
    """
    package = package_in(folder)
    if head is not None:
        load_tt(head=head)
    try:
        with filling(package) as new:
            for name in (MANIFEST, REFERENCES, HEAD):
                source = head if head is not None and name == HEAD else package / name
                if source.exists():
                    shutil.copyfile(source, new / name)
            seal_package(new)
    except OSError as error:
        raise HasnetError(f"{package} cannot be sealed: {error.strerror}.") from error
    return package / MANIFEST
