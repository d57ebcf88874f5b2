"""The records of moving pictures: a clip, what is known of it before it is read, its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hasnet_models.errors import HasnetError, ImageError
from hasnet_models.image_io import pixel_limit

CONTAINER, ANIMATION, FOLDER = "container", "animation", "folder"


class ClipError(HasnetError):
    """A clip cannot be read or written."""


@dataclass(frozen=True)
class Colours:
    """How a clip's pixels are coded, in the numbers of ITU-T H.273; 2 is unspecified.

    Attributes:
        primaries, transfer, matrix: as there.
        full: whether luminance uses 0..255 and not 16..235.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full: bool = False


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before its frames are read.

    Attributes:
        path: the file or folder.
        kind: "container", "animation" or "folder".
        width, height: as shown, in px.
        time_base: seconds of one unit of a frame's time.
        rate: frames a second, about.
        frames: how many, about; 0 where nobody knows.
        seconds: how long, about; 0 where nobody knows.
        colours: of a container.
        aspect: width of a pixel by its height.
        loop: how often an animation is shown; 0 is for ever.
        stems: names of the frames of a folder, without suffixes.
    """

    path: Path
    kind: str
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    frames: int = 0
    seconds: float = 0.0
    colours: Colours = Colours()
    aspect: Fraction = Fraction(1)
    loop: int = 0
    stems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For messages."""
        return self.path.name


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, upright and in 8 bits.

    Attributes:
        rgb: uint8 (H, W, 3); a transparent one lies over white.
        time: when it is shown, in units of the clip's time base.
        duration: how long, in the same; 0 where nobody says.
        alpha: uint8 (H, W), or None if every pixel is opaque.
    """

    rgb: NDArray[np.uint8]
    time: int
    duration: int = 0
    alpha: NDArray[np.uint8] | None = None


class Clip(Protocol):
    """A clip that is open for reading.

    Attributes:
        info: what is known before.
        damage: sentences on what could not be read; whole when the frames are read.
    """

    info: ClipInfo
    damage: list[str]

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """The frames in the order of their times, those later than `after`.

        Raises:
            ClipError: there is none that can be read.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def check_size(name: str, width: int, height: int) -> None:
    """Raises ImageError where a header claims more pixels than the limit of pictures."""
    limit = pixel_limit()
    if width * height > limit:
        raise ImageError(
            f"{name} has {width}x{height} pixels a frame, more than the limit of {limit}.",
            "If you trust the file, set HASNET_MAX_PIXELS to a higher number.",
        )
