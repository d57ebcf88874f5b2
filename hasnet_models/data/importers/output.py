"""What an import leaves beside the pictures: the index, and the list of what was left out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hasnet_models.data.importers.dataset import Place
from hasnet_models.data.index import COLUMNS, INDEX, read_table, write_table
from hasnet_models.errors import ImageError

SKIPPED = "skipped.tsv"
_SKIPPED_COLUMNS = ("kind", "file", "reason")
_SAVE_EVERY = 100


class ImportIndex:
    """index.tsv of the output: what is there, and what this import adds.

    Raises:
        ImageError: the folder cannot be made.
        HasnetError: the index cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageError(f"{folder} cannot be made: {error.strerror}.") from error
        self.new: dict[str, str] = {}
        self._rows: list[dict[str, str]] = []
        # from the start, so that pictures of a killed import are known as an import's
        self.save()
        self._known = {row.get("file", "") for row in read_table(folder / INDEX)[1]}

    def has(self, file: str) -> bool:
        """Whether a face is listed and there."""
        return (file in self._known or file in self.new) and (self.folder / file).is_file()

    def add(self, file: str, name: str, place: Place, source: str, licence: str) -> None:
        """List a face that has been written, made of the dataset's picture ``name``."""
        values = (place.domain, place.split, file, source, licence, place.identity)
        self._rows.append(dict(zip(COLUMNS, values, strict=True)))
        self.new[file] = name
        if len(self._rows) >= _SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Add the new rows to what is in the file by now, which another import may have changed."""
        path = self.folder / INDEX
        columns, rows = read_table(path) if path.is_file() else ([], [])
        listed = {row.get("file") for row in rows}
        added = [row for row in self._rows if row["file"] not in listed]
        if added or not path.is_file():
            columns += [c for c in COLUMNS if c not in columns]
            write_table(path, columns, rows + added)
        self._rows = []


def save_skipped(
    folder: Path, dataset: str, skipped: list[tuple[str, str]], visited: Iterable[str]
) -> None:
    """Replace what is known of the pictures of this import; other imports' lines stay."""
    path = folder / SKIPPED
    names = {*visited, *(name for name, _ in skipped)}
    old = []
    if path.is_file():
        rows = read_table(path, _SKIPPED_COLUMNS)[1]
        old = [r for r in rows if r.get("kind") != dataset or r.get("file") not in names]
    new = [dict(zip(_SKIPPED_COLUMNS, (dataset, *s), strict=True)) for s in skipped]
    if old or new or path.is_file():
        write_table(path, _SKIPPED_COLUMNS, old + new)
