"""What the user may ask for as the face of a photo: one grammar, read once.

    auto           the largest face that the detector finds
    largest        the same, said aloud
    all            every face
    N              the Nth face from the left to the right, from 1
    like:PICTURE   the face that is most like the one in a picture
    aligned        the picture is an aligned crop already
    x,y,w,h        a box around the face, in pixels from the top left corner
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from hasnet_models.errors import UsageError

AUTO = "auto"
LARGEST = "largest"
ALL = "all"
NUMBER = "N"
LIKE = "like:"
ALIGNED = "aligned"
BOX = "x,y,w,h"

KINDS = (AUTO, LARGEST, ALL, NUMBER, LIKE, ALIGNED, BOX)
# What can be found without a look at all faces: for pictures with one face, such as references.
SINGLE = (AUTO, ALIGNED, BOX)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class FaceChoice:
    """A choice of faces; `str` gives it back as the user would write it.

    Attributes:
        kind: one of `KINDS`.
        number: of kind N, from 1.
        picture: of kind "like:".
        box: left, top, width, height in px, of kind "x,y,w,h"; width and height above 0.
    """

    kind: str = AUTO
    number: int = 0
    picture: str = ""
    box: Box | None = None

    @classmethod
    def parse(cls, text: str, kinds: Collection[str] = KINDS) -> FaceChoice:
        """Read a choice.

        Args:
            kinds: those that make sense here.

        Raises:
            UsageError: it is none of them, faces are counted from 0, or a box has no area.
        """
        choice = _parsed(text)
        if choice is None or choice.kind not in kinds:
            raise _refusal(f"A face is {_listed(kinds)}, not {text!r}.")
        return choice

    @classmethod
    def of_number(cls, number: int) -> FaceChoice:
        """The face of that number, from 1."""
        return cls(NUMBER, number=number)

    def __str__(self) -> str:
        if self.box is not None:
            return ",".join(repr(float(value)).removesuffix(".0") for value in self.box)
        if self.kind == LIKE:
            return LIKE + self.picture
        return str(self.number) if self.kind == NUMBER else self.kind

    @property
    def compares(self) -> bool:
        """Whether all faces of a photo have to be looked at."""
        return self.kind in (ALL, NUMBER, LIKE)

    def without_folder(self) -> FaceChoice:
        """The picture of "like:" by its name alone."""
        return self._with_picture(Path(self.picture).name)

    def absolute(self) -> FaceChoice:
        """The picture of "like:" as another process finds it."""
        return self._with_picture(str(Path(self.picture).absolute()))

    def _with_picture(self, picture: str) -> FaceChoice:
        return replace(self, picture=picture) if self.kind == LIKE else self


def _parsed(text: str) -> FaceChoice | None:
    if text in (AUTO, LARGEST, ALL, ALIGNED):
        return FaceChoice(text)
    if text.startswith(LIKE) and text != LIKE:
        return FaceChoice(LIKE, picture=text.removeprefix(LIKE))
    if text.isdecimal():
        if int(text) == 0:
            raise _refusal("Faces are numbered from the left to the right, from 1.")
        return FaceChoice.of_number(int(text))
    return _parsed_box(text)


def _parsed_box(text: str) -> FaceChoice | None:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        return None
    box = (x, y, width, height)
    if not all(map(math.isfinite, box)) or width <= 0 or height <= 0:
        raise _refusal(f"{text!r} is not a box: its width and height are above 0.")
    return FaceChoice(BOX, box=box)


def _refusal(text: str) -> UsageError:
    return UsageError(text, parameters=("face",))


def _listed(kinds: Collection[str]) -> str:
    *others, last = (f"{kind}PICTURE" if kind == LIKE else kind for kind in kinds)
    return f"{', '.join(others)} or {last}"
