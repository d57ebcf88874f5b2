"""What a batch will do, decided and checked before the first photo."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hasnet_models.errors import UsageError

RESULTS_NAME = "results.jsonl"


@dataclass(frozen=True)
class Item:
    """One photo: `key` is its path inside the input folder, with forward slashes."""

    source: Path
    target: Path
    key: str


def plan(folder: Path, out: Path) -> list[Item]:
    """One item a photo below `folder`, sorted by key; targets mirror the tree as PNG files.

    Hidden files and folders are passed over, and so is `out` where it lies inside `folder`.

    Raises:
        UsageError: not a folder, no photos, input and output the same, a place that cannot be
            written, or two photos with one target.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", "For one photo use `hasnet avatar`.")
    if out.resolve() == folder.resolve():
        raise UsageError("The output folder is the input folder.", "Give another with -o.")
    keys = sorted(_photos(folder, out.resolve()))
    if not keys:
        raise UsageError(f"There are no photos in {folder}.")
    items = [Item(folder / key, (out / key).with_suffix(".png"), key) for key in keys]
    _check_collisions(items)
    _check_writable(out)
    return items


def _photos(folder: Path, left_out: Path) -> list[str]:
    from hasnet_models.image_io import SUFFIXES

    found = []
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != left_out
        ]
        found += [
            (here / name).relative_to(folder).as_posix()
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    return found


def _check_collisions(items: list[Item]) -> None:
    taken: dict[str, Item] = {}
    for item in items:
        # Names that differ in case alone are one file on many systems.
        first = taken.setdefault(item.target.as_posix().casefold(), item)
        if first is not item:
            raise UsageError(
                f"{first.key} and {item.key} would both become {item.target}.",
                "Rename one of them.",
            )


def _check_writable(out: Path) -> None:
    place = out
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise UsageError(f"{place} is not a folder.", "Give another output folder with -o.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(f"The folder {place} cannot be written.")
