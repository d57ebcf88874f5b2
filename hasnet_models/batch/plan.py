"""What a batch will do, decided and checked before the first photo."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from hasnet_models.batch.result import Item
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.filenames import numbered
from hasnet_models.image_io import SUFFIXES, read_metadata

_SHOWN = 3
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
    """

    folder: Path
    out: Path
    shard: Shard | None = None
    several: bool = False
    pixels: int = 512

    def items(self) -> list[Item]:
        """One item a photo of this shard, sorted by key."""
        keys = (key for key in photos(self.folder, self.out.resolve()) if self._holds(key))
        return [self.item(key) for key in sorted(keys)]

    def item(self, key: str) -> Item:
        """The target mirrors the tree, as a PNG file."""
        return Item(self.folder / key, (self.out / key).with_suffix(".png"), key)

    def space(self, items: Collection[Item]) -> int:
        """Bytes that the avatars will need at the least."""
        each = int(self.pixels**2 * 3 * _PNG_SHARE) if self.pixels else _PASTED_BYTES
        return each * sum(not item.target.exists() for item in items)

    def first_target(self, item: Item) -> Path:
        """The first file that the item gives."""
        return numbered(item.target, 1) if self.several else item.target

    def _holds(self, key: str) -> bool:
        return self.shard is None or self.shard.holds(key)


def checked_items(plan: Plan, known: Collection[str] = (), overwrite: bool = False) -> list[Item]:
    """The items of a plan, once nothing stands against it (and `check_folders` has passed).

    Hidden files and folders are passed over, and so is the output folder where it lies inside the
    input folder.

    Args:
        known: keys of photos whose avatars are recorded in the output folder.
        overwrite: whether pictures that are no avatars may be replaced in the output folder.

    Raises:
        UsageError: the plan cannot be carried out as a whole: no photos, a place that is full, two
            photos with one target, a target that is a photo, or somebody's picture.
    """
    items = plan.items()
    if not items:
        part = f" for shard {plan.shard.index}/{plan.shard.count}" if plan.shard else ""
        raise UsageError(f"There are no photos in {plan.folder}{part}.")
    _check_collisions(items)
    _check_inputs_stay(items, plan)
    if not overwrite:
        _check_strangers([item for item in items if item.key not in known], plan)
    _check_space(items, plan)
    return items


def photos(folder: Path, left_out: Path) -> Iterator[str]:
    """Keys of the ordinary files below a folder whose suffix is a picture's."""
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != left_out
        ]
        for name in files:
            path = here / name
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and path.is_file():
                yield path.relative_to(folder).as_posix()


def check_folders(plan: Plan) -> None:
    """Raises UsageError where the folders themselves are wrong."""
    if not plan.folder.is_dir():
        raise UsageError(f"{plan.folder} is not a folder.", "For one photo use `hasnet avatar`.")
    if plan.out.resolve() == plan.folder.resolve():
        raise UsageError(
            "The output folder is the input folder.", "Give another as out=DIR.",
            parameters=("out",),
        )  # fmt: skip
    place = _existing(plan.out)
    if not place.is_dir():
        raise UsageError(
            f"{place} is not a folder.", "Give another output folder as out=DIR.",
            parameters=("out",),
        )  # fmt: skip
    if not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(f"The folder {place} cannot be written.")


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


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


def _check_inputs_stay(items: list[Item], plan: Plan) -> None:
    """An output folder around the input folder, or a link, may lead back to a photo."""
    inputs = {item.source.resolve() for item in items}
    for item in items:
        if plan.first_target(item).resolve() in inputs:
            raise UsageError(f"{item.key} would become {item.target}, which is a photo of yours.")


def _check_strangers(items: list[Item], plan: Plan) -> None:
    strangers = [path for path in map(plan.first_target, items) if is_stranger(path)]
    if strangers:
        names = ", ".join(path.name for path in strangers[:_SHOWN])
        more = f" and {len(strangers) - _SHOWN} more" if len(strangers) > _SHOWN else ""
        raise UsageError(
            f"In {plan.out} there are pictures that are no avatars of this program: {names}{more}.",
            "Give another folder as out=DIR, or overwrite=True to replace them.",
            parameters=("out", "overwrite"),
        )


def is_stranger(path: Path, damaged: bool = True) -> bool:
    """Whether there is a picture that no avatar's record is in; `damaged` is for what is none."""
    try:
        return path.exists() and not read_metadata(path)
    except HasnetError:
        return damaged


def _check_space(items: list[Item], plan: Plan) -> None:
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
