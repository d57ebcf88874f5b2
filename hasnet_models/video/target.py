"""What is written: the suffix gives container and codec, an animation, or a folder of frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hasnet_models.errors import UsageError
from hasnet_models.video.clip import ANIMATION, CONTAINER, FOLDER

H264, VP9, LOSSLESS = "libx264", "libvpx-vp9", "ffv1"
_CONTAINERS = {
    ".mp4": ("mp4", H264), ".m4v": ("mp4", H264), ".mov": ("mov", H264),
    ".mkv": ("matroska", H264), ".webm": ("webm", VP9),
}  # fmt: skip
_ANIMATIONS = {".gif": "GIF", ".png": "PNG", ".apng": "PNG", ".webp": "WEBP"}
CONTAINER_SUFFIXES = tuple(_CONTAINERS)


@dataclass(frozen=True)
class Target:
    """An output.

    Attributes:
        path: the file or folder.
        kind: "container", "animation" or "folder".
        format: FFmpeg's name of the container; of an animation or a folder, that of its pieces.
        codec: FFmpeg's name of the encoder.
        picture: Pillow's name of an animation.
    """

    path: Path
    kind: str
    format: str = "matroska"
    codec: str = LOSSLESS
    picture: str = ""

    @classmethod
    def of(cls, path: Path) -> Target:
        """What a path stands for.

        Raises:
            UsageError: its suffix stands for nothing that can be written.
        """
        suffix = path.suffix.lower()
        if suffix in _CONTAINERS:
            return cls(path, CONTAINER, *_CONTAINERS[suffix])
        if suffix in _ANIMATIONS:
            return cls(path, ANIMATION, picture=_ANIMATIONS[suffix])
        if not suffix or path.is_dir():
            return cls(path, FOLDER)
        known = " ".join((*_CONTAINERS, *_ANIMATIONS))
        raise UsageError(
            f"{path.name} has the suffix {suffix!r}, which names no clip.",
            f"Use one of: {known}, or no suffix for a folder of frames.",
        )

    @property
    def piece_suffix(self) -> str:
        """Of the pieces that it is made of."""
        return self.path.suffix.lower() if self.kind == CONTAINER else ".mkv"
