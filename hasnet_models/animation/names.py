"""Animations by the names that users give, and the files that hold them; without numpy."""

from __future__ import annotations

from pathlib import Path

from hasnet_models.errors import UsageError

BLINK, TURN, MORPH = "blink", "turn", "morph"
ANIMATIONS = (BLINK, TURN, MORPH)
MP4 = ".mp4"
SUFFIXES = (".gif", ".webp", ".apng", MP4)


def check_animated(path: Path) -> None:
    """Raises UsageError where the suffix names no file that holds an animation."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{path.name} holds no animation.", f"Use one of: {' '.join(SUFFIXES)}"
        )
