"""What files are called: standard input, the stem of an output, the numbers of several."""

from __future__ import annotations

from pathlib import Path

STREAM = "-"


def stem_of(picture: str) -> str:
    """What an output is called after: the file name without suffix."""
    return "stdin" if picture == STREAM else Path(picture).stem


def numbered(path: Path, number: int) -> Path:
    """The file of one face out of several: name-1.png, name-2.png ..."""
    return path.with_name(f"{path.stem}-{number}{path.suffix}")
