"""What a folder of faces holds: its index, and everything about it that is not as it should be.

Layout: ``FOLDER/<domain>/<picture>``, with an optional ``FOLDER/index.tsv`` whose columns
``domain split file identity`` (and any others) name the pictures; faces of one person in two
domains share ``identity``. Without an index every picture of a sub-folder belongs to the split
"train".
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hasnet_models.atomic import write_whole
from hasnet_models.data.pictures import picture_files
from hasnet_models.errors import HasnetError, UsageError

INDEX = "index.tsv"
COLUMNS = ("domain", "split", "file", "source", "licence", "identity")
_REQUIRED = ("domain", "file")
_NAMED = 5


@dataclass(frozen=True)
class FaceRecord:
    """One line of the index."""

    domain: str
    file: str
    identity: str


@dataclass
class Listing:
    """The faces of a split, sorted by file name.

    Attributes:
        skipped: "file: reason" of each line that names no picture.
        notes: sentences about what is odd, but usable.
    """

    records: list[FaceRecord]
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_index(folder: Path, split: str) -> list[FaceRecord]:
    """The faces of a split, sorted by file name; see :func:`list_faces`."""
    return list_faces(folder, split).records


def list_faces(folder: Path, split: str) -> Listing:
    """The faces of a split; pictures that do not exist are left out and listed.

    Raises:
        UsageError: the folder does not exist, its index is malformed, it has no faces of that
            split, or (without an index) a domain's folder is empty.
    """
    found = present(folder, split)
    if not found.records:
        empty = f"{folder} holds no faces of the split {split!r}"
        raise UsageError(f"{empty}: {found.skipped[0]}" if found.skipped else f"{empty}.")
    return found


def present(folder: Path, split: str) -> Listing:
    """As :func:`list_faces`, but a split without faces is no error."""
    found, there = _rows(folder, split), []
    for record in _once(found):
        if (folder / record.file).is_file():
            there.append(record)
        else:
            found.skipped.append(f"{record.file}: there is no such file.")
    found.records = sorted(there, key=lambda r: r.file)
    return found


def has_split(folder: Path, split: str) -> bool:
    """Whether the index (or, without one, the folder) names any face of that split.

    Raises:
        UsageError: as :func:`list_faces`, but not for a split without faces.
    """
    return bool(_rows(folder, split).records)


def read_table(
    path: Path, required: Iterable[str] = _REQUIRED
) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of an index; a short row lacks the keys of its missing fields.

    A file name that is no text in UTF-8 comes back as the file system has it.

    Raises:
        UsageError: it is no table, or lacks a column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UsageError(f"The index {path} cannot be read: {error}.") from error
    columns, *values = [_fields(line) for line in text.split("\n") if line.strip()] or [[]]
    rows = [{k: v for k, v in zip(columns, row, strict=False) if k} for row in values]
    lacking = [c for c in required if c not in columns]
    if lacking:
        raise UsageError(
            f"The index {path} has no column {' and no column '.join(map(repr, lacking))}.",
            "Its first line must name the columns, separated by tabs.",
        )
    return columns, rows


def _fields(line: str) -> list[str]:
    """The fields of one line: quoted as spreadsheets do it, or with quotes that are part of them.

    Each line stands alone, so that a stray quotation mark swallows no other.
    """
    line = line.removesuffix("\r")
    try:
        return next(csv.reader([line], delimiter="\t", strict=True))
    except csv.Error:
        return line.split("\t")


def write_table(path: Path, columns: Iterable[str], rows: Iterable[dict[str, str]]) -> None:
    """Write a table of tab-separated values, whole or not at all.

    Raises:
        HasnetError: it cannot be written.
    """
    text = io.StringIO()
    names = list(columns)
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(names)
    writer.writerows([" ".join(row.get(name, "").splitlines()) for name in names] for row in rows)
    write_whole(path, text.getvalue().encode(errors="surrogateescape"), HasnetError)


def oddities(records: list[FaceRecord], hashes: list[str]) -> list[str]:
    """Sentences about equal pictures and domains of one face."""
    notes = []
    copies = [group for group in groups(hashes).values() if len(group) > 1]
    if copies:
        named = [" = ".join(records[i].file for i in group) for group in copies]
        notes.append(f"Pictures that are copies of one another: {shortlist(named)}.")
    sizes = Counter(r.domain for r in records)
    alone = sorted(d for d, n in sizes.items() if n == 1)
    if alone:
        notes.append(f"Domains of one face, which will be learnt by heart: {shortlist(alone)}.")
    return notes


def groups(keys: Iterable[Hashable]) -> dict[Hashable, list[int]]:
    """Positions of equal keys."""
    found: dict[Hashable, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return found


def shortlist(names: list[str], most: int = _NAMED) -> str:
    """The first few of many, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def splits(folder: Path) -> list[str]:
    """The names of the splits of a folder, "train" first.

    Raises:
        UsageError: there is no such folder or its index is malformed.
    """
    _require_folder(folder)
    if not (folder / INDEX).is_file():
        return ["train"]
    names = {_split(row) for row in read_table(folder / INDEX)[1]} or {"train"}
    return sorted(names, key=lambda s: (s != "train", s))


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"There is no folder of faces at {folder}.")


def _rows(folder: Path, split: str) -> Listing:
    _require_folder(folder)
    if (folder / INDEX).is_file():
        return _index_rows(folder / INDEX, split)
    return Listing(list(_folder_rows(folder)) if split == "train" else [])


def _index_rows(index: Path, split: str) -> Listing:
    found = Listing([])
    for number, row in enumerate(read_table(index)[1], 2):
        if not row.get("file") or not row.get("domain"):
            found.skipped.append(f"{index.name}, line {number}: it names no file and domain.")
        elif _split(row) == split:
            found.records.append(FaceRecord(row["domain"], row["file"], row.get("identity", "")))
    return found


def _split(row: dict[str, str]) -> str:
    return row.get("split") or "train"


def _folder_rows(folder: Path) -> Iterator[FaceRecord]:
    for domain in sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != "."):
        files = picture_files(domain)
        if not files:
            raise UsageError(
                f"The domain folder {domain} holds no pictures.", "Fill it or remove it."
            )
        for path in files:
            yield FaceRecord(domain.name, f"{domain.name}/{path.name}", "")


def _once(found: Listing) -> list[FaceRecord]:
    """Each file once: the first line that names it counts, the others are noted."""
    first: dict[str, FaceRecord] = {}
    again = []
    for record in found.records:
        if first.setdefault(record.file, record) is not record:
            again.append(record.file)
    if again:
        found.notes.append(
            f"Files that the index names twice, of which the first line counts: {shortlist(again)}."
        )
    return list(first.values())
