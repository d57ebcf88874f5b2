"""What a batch will do, decided and checked before the first photo."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import starmap
from pathlib import Path

from hasnet_models.batch.listing import Listing, list_photos
from hasnet_models.batch.result import DONE, Item, Result
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.filenames import exists, first_same, identity_of, is_folder, numbered
from hasnet_models.image_io import carries_texts, file_bytes, read_metadata

_SHOWN = 3
_NOTHING: Mapping[str, Result] = {}
_PNG_SHARE = 0.25  # of its raw bytes that the PNG of a plain avatar takes, on the small side
_PASTED_BYTES = 2**20


@dataclass(frozen=True)
class Shard:
    """One of `count` machines, from 1, each of which takes its part of the photos."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From "i/n".

        Raises:
            UsageError: it is not that, or i is not 1..n.
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(
                f"A shard is i/n with i from 1 to n, such as 2/8, not {text!r}.",
                parameters=("shard",),
            )
        return cls(int(match[1]), int(match[2]))

    @property
    def label(self) -> str:
        """For file names."""
        return f"{self.index}of{self.count}"

    def holds(self, key: str) -> bool:
        """Whether a photo is this machine's; other photos do not matter for that."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1


@dataclass(frozen=True)
class Plan:
    """Where photos come from and avatars go.

    Attributes:
        several: a photo may give name-1.png, name-2.png ... instead of name.png.
        pixels: side of an avatar, to estimate the space needed; 0 for whole photos.
        include_avatars: take pictures that this program made for photos too.
        reads: files that the request reads; none is written over.
    """

    folder: Path
    out: Path
    shard: Shard | None = None
    several: bool = False
    pixels: int = 512
    include_avatars: bool = False
    reads: tuple[str, ...] = ()

    @cached_property
    def origin(self) -> str:
        """The input folder as the record names it."""
        return str(self.folder.resolve())

    def listing(self) -> Listing:
        """What lies in the input folder of this shard's."""
        found = list_photos(self.folder, self.out.resolve())
        found.keys = [key for key in found.keys if self._holds(key)]
        found.closed = {key: why for key, why in found.closed.items() if self._holds(key)}
        return found

    def items(self, listing: Listing | None = None) -> list[Item]:
        """One item a photo of this shard, sorted by key; then one a folder that is closed."""
        found = listing or self.listing()
        return [*map(self.item, found.keys), *starmap(self.item, sorted(found.closed.items()))]

    def item(self, key: str, fault: str = "") -> Item:
        """The target mirrors the tree, as a PNG file."""
        target = (self.out / key).with_suffix(".png")
        return Item(self.folder / key, target, key, self.origin, fault)

    def is_photo(self, item: Item) -> bool:
        """Whether it is to be worked on: no avatar, unless those are wanted too."""
        return self.include_avatars or bool(item.fault) or not carries_texts(item.source)

    def space(self, items: Collection[Item]) -> int:
        """Bytes that the avatars will need at the least."""
        each = int(self.pixels**2 * 3 * _PNG_SHARE) if self.pixels else _PASTED_BYTES
        return each * sum(not exists(item.target) for item in items)

    def first_target(self, item: Item) -> Path:
        """The first file that the item gives."""
        return numbered(item.target, 1) if self.several else item.target

    def _holds(self, key: str) -> bool:
        return self.shard is None or self.shard.holds(key)


def checked_items(
    plan: Plan,
    known: Mapping[str, Result] = _NOTHING,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda note: None,
) -> list[Item]:
    """The items of a plan, once nothing stands against it (and `check_folders` has passed).

    Hidden files and folders are passed over, and so are the output folder where it lies inside the
    input folder, and pictures that this program made.

    Args:
        known: what is recorded in the output folder.
        overwrite: whether avatars of other folders' photos, and pictures that are no avatars, may
            be replaced in the output folder.
        say: takes notes on what is passed over.

    Raises:
        UsageError: the plan cannot be carried out as a whole: no photos, a place that is full, two
            photos with one target, a target that is a photo, another file that is read, the avatar
            of another folder's photo, or somebody's picture.
    """
    listing = plan.listing()
    if listing.unread:
        counts = ", ".join(f"{count} {suffix}" for suffix, count in listing.unread.most_common())
        say(f"Passed over, since such files are not read here: {counts}.")
    found = plan.items(listing)
    items = [item for item in found if plan.is_photo(item)]
    if made := len(found) - len(items):
        say(f"Pictures that this program made are passed over: {made} (include_avatars=True).")
    _check(items, plan, known, overwrite)
    return items


def _check(
    items: Sequence[Item], plan: Plan, known: Mapping[str, Result], overwrite: bool
) -> None:
    if not items:
        part = f" for shard {plan.shard.index}/{plan.shard.count}" if plan.shard else ""
        raise UsageError(f"There are no photos in {plan.folder}{part}.")
    photos = [item for item in items if not item.fault]
    _check_collisions(photos)
    _check_inputs_stay(photos, plan)
    if not overwrite:
        _check_others(photos, plan, known)
        _check_strangers([item for item in photos if item.key not in known], plan)
    _check_space(photos, plan)


def check_folders(plan: Plan) -> None:
    """Raises UsageError where the folders themselves are wrong."""
    if not is_folder(plan.folder):
        raise UsageError(f"{plan.folder} is not a folder.", "For one photo use `hasnet avatar`.")
    if not os.access(plan.folder, os.R_OK | os.X_OK):
        raise UsageError(f"The folder {plan.folder} cannot be read.")
    if plan.out.resolve() == plan.folder.resolve():
        raise UsageError(
            "The output folder is the input folder.", "Give another as out=DIR.",
            parameters=("out",),
        )  # fmt: skip
    place = _existing(plan.out)
    if not is_folder(place):
        raise UsageError(
            f"{place} is not a folder.", "Give another output folder as out=DIR.",
            parameters=("out",),
        )  # fmt: skip
    if not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(f"The folder {place} cannot be written.")


def _existing(path: Path) -> Path:
    while not exists(path) and path != path.parent:
        path = path.parent
    return path


def _check_collisions(items: Sequence[Item]) -> None:
    taken: dict[str, Item] = {}
    pairs = []
    for item in items:
        # Names that differ in case alone are one file on many systems.
        first = taken.setdefault(item.target.as_posix().casefold(), item)
        if first is not item:
            pairs.append(f"{first.key} and {item.key} would both become {item.target}")
    if pairs:
        raise UsageError(f"{_some(pairs, '; ')}.", "Rename one of each pair.")


def _check_inputs_stay(items: Sequence[Item], plan: Plan) -> None:
    """An output folder around the input folder, or a link, may lead back to a photo."""
    inputs = {identity_of(item.source) for item in items}
    for item in items:
        target = plan.first_target(item)
        identity = identity_of(target)
        if identity is not None and identity in inputs:
            raise UsageError(f"{item.key} would become {target}, which is a photo of yours.")
        if read := first_same(target, plan.reads):
            raise UsageError(f"{item.key} would become {target}, which is read as {read}.")


def _check_others(items: Sequence[Item], plan: Plan, known: Mapping[str, Result]) -> None:
    """Avatars of another folder's photos are not this batch's to replace."""
    owners = {name: result for result in known.values() for name in result.outputs}
    taken = [
        f"{item.key} (of {owner.folder})"
        for item in items
        if (owner := owners.get(plan.first_target(item).relative_to(plan.out).as_posix()))
        and belongs_to_other(owner, item)
    ]
    if taken:
        raise UsageError(
            f"In {plan.out} there are avatars of other photos of the same name: {_some(taken)}.",
            "Give another folder as out=DIR, or overwrite=True to replace them.",
            parameters=("out", "overwrite"),
        )


def belongs_to_other(result: Result, item: Item, digest: str | None = None) -> bool:
    """Whether a recorded avatar was made of another photo, from another folder than the item.

    The same photo in a folder that has moved is the same photo.

    Args:
        digest: sha256 of the item's file where it is known; it is read for that otherwise.
    """
    if result.status != DONE or result.folder in ("", item.folder):
        return False
    try:
        digest = digest or hashlib.sha256(file_bytes(item.source)).hexdigest()
    except HasnetError:
        return True
    return digest != result.input_sha256


def _check_strangers(items: Sequence[Item], plan: Plan) -> None:
    strangers = [path.name for path in map(plan.first_target, items) if is_stranger(path)]
    if strangers:
        found = _some(strangers)
        raise UsageError(
            f"In {plan.out} there are pictures that are no avatars of this program: {found}.",
            "Give another folder as out=DIR, or overwrite=True to replace them.",
            parameters=("out", "overwrite"),
        )


def _some(names: Sequence[str], between: str = ", ") -> str:
    """The first few of many, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return between.join(names[:_SHOWN]) + more


def is_stranger(path: Path, damaged: bool = True) -> bool:
    """Whether there is a picture that no avatar's record is in; `damaged` is for what is none."""
    try:
        return exists(path) and not read_metadata(path)
    except HasnetError:
        return damaged


def _check_space(items: Collection[Item], plan: Plan) -> None:
    free = shutil.disk_usage(_existing(plan.out)).free
    needed = plan.space(items)
    if free < needed:
        raise UsageError(
            f"{len(items)} avatars need about {_mib(needed)}; {plan.out} has {_mib(free)} left.",
            "Make room, or give a folder on another disk as out=DIR.",
            parameters=("out",),
        )


def _mib(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
