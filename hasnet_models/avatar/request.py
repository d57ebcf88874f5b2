"""What is asked for: how an avatar is to look, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hasnet_models.errors import UsageError

NO_DOMAIN = "none"
LIKEST = "likest"
RANDOM = "random"
STREAM = "-"
SIZES = range(16, 4097)

Say = Callable[[str], None]


def stem_of(picture: str) -> str:
    """What an output is called after: the file name without suffix."""
    return "stdin" if picture == STREAM else Path(picture).stem


def numbered(path: Path, number: int) -> Path:
    """The file of one face out of several: name-1.png, name-2.png ..."""
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


@dataclass(frozen=True)
class Request:
    """The options of `avatar` and `batch` that say what an avatar is to look like."""

    domain: str | None = None
    ref: str | None = None
    reference: str | None = None
    seed: int | None = None
    face: str = "auto"
    ref_face: str = "auto"
    device: str = "auto"
    backend: str = "embedded"
    paste: bool = False
    size: int | None = None
    strength: float = 1.0

    def check(self) -> None:
        """Raises UsageError where the options contradict each other."""
        if self.ref is None and self.domain in (None, NO_DOMAIN):
            raise UsageError(
                "Say what the avatar is to look like.",
                "Give --domain NAME (see `hasnet domains`) or --ref PICTURE.",
            )
        if self.ref is not None and self.reference is not None:
            raise UsageError("--reference chooses among a domain's own; it does not go with --ref.")
        if self.seed is not None and self.reference != RANDOM:
            raise UsageError("--seed goes with --reference random.")
        if self.size is not None and self.paste:
            raise UsageError("--size is the avatar's side; with --paste the photo has its own.")
        if self.size is not None and self.size not in SIZES:
            raise UsageError(f"The size must be {SIZES.start} to {SIZES.stop - 1} px.")
        if not 0 <= self.strength <= 1:
            raise UsageError(f"The strength must be 0 to 1, not {self.strength}.")

    @property
    def several(self) -> bool:
        """Whether a photo may give more than one picture, which are numbered then."""
        return self.face == "all" and not self.paste

    @property
    def label(self) -> str:
        """What an output is called after: the domain, or the picture given with --ref."""
        if self.domain not in (None, NO_DOMAIN):
            return self.domain.rpartition("/")[2]
        return stem_of(self.ref or "")
