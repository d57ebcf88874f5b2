"""The background as the user names it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hasnet_models.controls.colours import Colour, hex_code, parse_colour
from hasnet_models.errors import UsageError

KEEP, TRANSPARENT, BLUR, COLOUR, FILE = "keep", "transparent", "blur", "colour", "file"
_PLAIN = (KEEP, TRANSPARENT, BLUR)


@dataclass(frozen=True)
class Background:
    """A choice of background; `str` gives it back as the user would write it.

    Attributes:
        kind: "keep", "transparent", "blur", "colour" or "file".
        colour: sRGB, of kind "colour".
        file: path of a picture, of kind "file".
    """

    kind: str = KEEP
    colour: Colour | None = None
    file: str = ""

    @classmethod
    def parse(cls, text: str) -> Background:
        """Read "keep", "transparent", "blur", "#rrggbb", a CSS name or else the path of a picture.

        Raises:
            UsageError: it begins with # and is no colour, or is empty.
        """
        if text in _PLAIN:
            return cls(text)
        if not text:
            raise UsageError(
                "A background is keep, transparent, blur, #rrggbb or a picture.",
                parameters=("background",),
            )
        try:
            return cls(COLOUR, parse_colour(text, "background"))
        except UsageError:
            if text.startswith("#"):
                raise
        return cls(FILE, file=text)

    def __str__(self) -> str:
        if self.colour is not None:
            return hex_code(self.colour)
        return self.file if self.kind == FILE else self.kind

    def without_folder(self) -> Background:
        """The picture by its name alone."""
        return replace(self, file=Path(self.file).name) if self.kind == FILE else self

    def absolute(self) -> Background:
        """The picture as another process finds it."""
        return replace(self, file=str(Path(self.file).absolute())) if self.kind == FILE else self
