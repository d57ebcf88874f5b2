"""Clips in: a container, an animation or a folder of frames, told by what it holds."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

from hasnet_models.errors import UsageError
from hasnet_models.video.animations import AnimationClip, FolderClip
from hasnet_models.video.clip import Clip, ClipError
from hasnet_models.video.containers import ContainerClip

DEFAULT_RATE = Fraction(25)  # of a folder
_BLOCK = 1 << 20


def open_clip(path: Path, rate: Fraction = DEFAULT_RATE) -> Clip:
    """Open what is to be drawn.

    Args:
        rate: frames a second of a folder, which says nothing itself.

    Raises:
        UsageError: there is no such file.
        ClipError, ImageError: it cannot be read, in one sentence.
    """
    if path.is_dir():
        return FolderClip.open(path, rate)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}.") from error
    except (OSError, ValueError) as error:
        raise ClipError(f"{path} cannot be read: {error}.") from error
    if not head:
        raise ClipError(f"{path.name} is empty (zero bytes).")
    return AnimationClip.open(path) if _is_animation(head) else ContainerClip.open(path)


def digest_of(path: Path) -> str:
    """sha256 of a file, or of the names and bytes of a folder's files."""
    whole = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if not file.is_file():
            continue
        if path.is_dir():
            whole.update(file.name.encode(errors="surrogateescape") + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                whole.update(block)
    return whole.hexdigest()


def _is_animation(head: bytes) -> bool:
    """Whether a file begins as GIF, PNG or WebP do."""
    return head.startswith((b"GIF8", b"\x89PNG")) or head[:4] + head[8:12] == b"RIFFWEBP"
