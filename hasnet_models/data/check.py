"""A look at every face of a folder or of shards: how many there are, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hasnet_models.data import shards
from hasnet_models.data.index import (
    INDEX,
    FaceRecord,
    Listing,
    oddities,
    present,
    shortlist,
    splits,
)
from hasnet_models.data.parts import find_parts
from hasnet_models.data.pictures import MIN_SIDE, file_hash, picture_files, read_face
from hasnet_models.errors import HasnetError

Advance = Callable[[], None]


@dataclass
class FaceCheck:
    """What :func:`check` found.

    Attributes:
        counts: usable faces by (domain, split).
        skipped: "file: reason" of what cannot be used.
        notes: sentences about what is odd, but usable.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def steps(source: Path) -> int:
    """How often :func:`check` calls its ``progress``.

    Raises:
        UsageError: as :func:`check`.
    """
    if shards.is_shards(source):
        return len(shards.find_shards(source))
    return sum(len(present(source, split).records) for split in splits(source))


def check(source: Path, progress: Advance = lambda: None) -> FaceCheck:
    """Read every face of a folder or of shards and report what is wrong with it.

    Args:
        progress: called once a face, of shards once a shard.

    Raises:
        UsageError: see :func:`hasnet_models.data.index.list_faces` and
            :func:`hasnet_models.data.shards.find_shards`; also when the parts file is damaged.
    """
    if shards.is_shards(source):
        return _check_shards(source, progress)
    listings = {s: present(source, s) for s in splits(source)}
    find_parts(source, None, [r for listing in listings.values() for r in listing.records])
    report = FaceCheck()
    found: dict[str, tuple[list[FaceRecord], list[str]]] = {}
    for split, listing in listings.items():
        report.skipped += listing.skipped
        report.notes += listing.notes
        good = list(_readable(source, listing, report, progress))
        found[split] = good, [file_hash(source / r.file) for r in good]
    _count(report, found)
    report.notes += _unlisted(source, listings)
    return report


def _check_shards(source: Path, progress: Advance) -> FaceCheck:
    report = FaceCheck()
    found: dict[str, tuple[list[FaceRecord], list[str]]] = {}
    for file in shards.find_shards(source):
        for sample in shards.decoded(file, (MIN_SIDE,), report.skipped):
            records, hashes = found.setdefault(sample.split, ([], []))
            records.append(sample.record)
            hashes.append(sample.hash)
        progress()
    _count(report, found)
    return report


def _count(report: FaceCheck, found: dict[str, tuple[list[FaceRecord], list[str]]]) -> None:
    for split, (records, hashes) in found.items():
        report.counts.update((r.domain, split) for r in records)
        report.notes += [f"Split {split}: {note}" for note in oddities(records, hashes)]
    both = [set(found[split][1]) for split in ("train", "val") if split in found]
    if len(both) == 2 and (shared := both[0] & both[1]):
        report.notes.append(f"Pictures that are both in train and in val: {len(shared)}.")


def _readable(
    folder: Path, listing: Listing, report: FaceCheck, progress: Advance
) -> Iterator[FaceRecord]:
    for record in listing.records:
        try:
            read_face(folder / record.file, MIN_SIDE)
        except HasnetError as error:
            report.skipped.append(f"{record.file}: {error}")
        else:
            yield record
        progress()


def _unlisted(folder: Path, listings: dict[str, Listing]) -> list[str]:
    named = {r.file for listing in listings.values() for r in listing.records}
    domains = [p for p in folder.iterdir() if p.is_dir() and p.name[0] != "."]
    there = [f"{d.name}/{p.name}" for d in sorted(domains) for p in picture_files(d)]
    left = [name for name in there if name not in named]
    return [f"Pictures that {INDEX} does not name: {shortlist(left)}."] if left else []
