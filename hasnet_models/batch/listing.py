"""What lies in an input folder: photos, and what is passed over with the reason why."""

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from hasnet_models.filenames import is_link
from hasnet_models.image_io import SUFFIXES

# Pictures that people have in their folders and that are not read here.
_UNREAD = {
    ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".dng", ".psd", ".svg", ".jxl", ".jp2",
    ".ico", ".ppm", ".pgm", ".xcf", ".pdf",
}  # fmt: skip


@dataclass
class Listing:
    """What a walk through a folder found.

    Attributes:
        keys: the photos, as paths inside the folder with forward slashes.
        closed: folders that cannot be read, as such paths, each with its reason.
        unread: how many pictures there are of a format that is not read, by suffix.
    """

    keys: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)


def list_photos(folder: Path, left_out: Path) -> Listing:
    """The ordinary files below a folder whose suffix is a picture's, sorted.

    Hidden files and folders are passed over. A linked folder is entered where it was not visited
    under another name, after all real ones, so that circles end.

    Args:
        left_out: the output folder, resolved, which is not entered.
    """
    walk = _Walk(folder, {left_out})
    waiting = deque([folder])
    while waiting:
        waiting.extend(walk.through(waiting.popleft()))
    walk.found.keys.sort()
    return walk.found


@dataclass
class _Walk:
    folder: Path
    visited: set[Path]
    found: Listing = field(default_factory=Listing)

    def through(self, start: Path) -> list[Path]:
        """Look into a folder and the real ones below it; gives the linked ones."""
        links: list[Path] = []
        for root, folders, files in os.walk(start, onerror=self._closed):
            here = Path(root)
            if (place := here.resolve()) in self.visited:
                folders.clear()
                continue
            self.visited.add(place)
            folders[:] = [name for name in folders if not name.startswith(".")]
            links += [here / name for name in folders if is_link(here / name)]
            for name in files:
                if not name.startswith("."):
                    self._see(here / name)
        return links

    def _see(self, path: Path) -> None:
        suffix = path.suffix.lower()
        if suffix in _UNREAD:
            self.found.unread[suffix] += 1
        elif suffix in SUFFIXES:
            try:
                ordinary = stat.S_ISREG(path.stat().st_mode)
            except PermissionError as error:  # the folder may be listed, but not entered
                self._closed(PermissionError(error.errno, error.strerror, str(path.parent)))
            except OSError:  # a link to nowhere
                return
            else:
                if ordinary:
                    self.found.keys.append(self._key(path))

    def _closed(self, error: OSError) -> None:
        reason = f"The folder cannot be read: {error.strerror}."
        self.found.closed[self._key(Path(error.filename))] = reason

    def _key(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()
