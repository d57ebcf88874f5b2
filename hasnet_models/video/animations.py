"""Animated GIF, PNG and WebP, and folders of pictures, in, by Pillow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from PIL import Image

from hasnet_models import image_io
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.video.clip import ANIMATION, FOLDER, ClipError, ClipInfo, Frame

_MILLISECONDS = Fraction(1, 1000)
_USUAL = 100  # ms of a frame whose file says nothing, as browsers show it


@dataclass
class AnimationClip:
    """An animation that is open; see `clip.Clip`."""

    info: ClipInfo
    image: Image.Image
    damage: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> AnimationClip:
        """Open a file.

        Raises:
            ClipError, ImageError: it is a still picture, damaged or too large.
        """
        stream = path.open("rb")
        try:
            image = image_io.open_header(stream, path.name)
        except BaseException:
            stream.close()
            raise
        count = getattr(image, "n_frames", 1)
        if count == 1 and image.format != "GIF":
            raise ClipError(
                f"{path.name} is a still picture, not a clip.", "`hasnet avatar` makes its avatar."
            )
        ms = _duration(image)
        info = ClipInfo(
            path, ANIMATION, *image.size, _MILLISECONDS, Fraction(1000, ms), count,
            count * ms / 1000, loop=int(image.info.get("loop", 1)),
        )  # fmt: skip
        return cls(info, image)

    def close(self) -> None:
        """Let go of the file."""
        self.image.close()
        if self.image.fp:
            self.image.fp.close()

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """See `clip.Clip.frames`."""
        time = 0
        for number in range(self.info.frames):
            try:
                self.image.seek(number)
                photo = image_io.from_pillow(self.image, self.info.name)
            except (EOFError, HasnetError, OSError, ValueError, SyntaxError) as error:
                if number == 0:
                    raise ClipError(f"{self.info.name} has no frame that can be read.") from error
                self.damage.append(f"{self.info.name} is cut off: {number} frames can be read.")
                return
            duration = _duration(self.image)
            if after is None or time > after:
                yield Frame(photo.rgb, time, duration, photo.alpha)
            time += duration


def _duration(image: Image.Image) -> int:
    """Of the frame that was read last, ms; browsers show what is hardly said as a tenth."""
    ms = round(float(image.info.get("duration", 0) or 0))
    return ms if ms > 10 else _USUAL


@dataclass
class FolderClip:
    """The pictures of a folder in the order of their names and numbers; see `clip.Clip`."""

    info: ClipInfo
    files: list[Path]
    damage: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, rate: Fraction) -> FolderClip:
        """Open a folder.

        Raises:
            ClipError, UsageError, ImageError: it holds no pictures, two of one name without its
                suffix, or the first cannot be read.
        """
        files = sorted(
            (f for f in path.iterdir() if f.suffix.lower() in image_io.SUFFIXES and _shown(f)),
            key=lambda file: _natural(file.name),
        )
        if not files:
            raise UsageError(f"There are no pictures in {path}.")
        stems = tuple(file.stem for file in files)
        if len({stem.casefold() for stem in stems}) < len(stems):
            raise ClipError(f"{path.name} has frames of the same name with two suffixes.")
        height, width = image_io.read(files[0]).rgb.shape[:2]
        info = ClipInfo(
            path, FOLDER, width, height, 1 / rate, rate, len(files), float(len(files) / rate),
            stems=stems,
        )  # fmt: skip
        return cls(info, files)

    def close(self) -> None:
        """Nothing is held open."""

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """See `clip.Clip.frames`; a frame that cannot be read is the one before, once more.

        Raises:
            ClipError: a frame is of another size than the first.
        """
        before: image_io.Photo | None = None
        for time, file in enumerate(self.files):
            if after is not None and time < after:  # the last that is done may have to stand in
                continue
            try:
                photo = image_io.read(file)
            except HasnetError as error:
                self.damage.append(str(error))
                photo = before
            if photo is None:
                raise ClipError(f"{file.name}, the first frame, cannot be read.")
            if photo.rgb.shape[1::-1] != (self.info.width, self.info.height):
                raise ClipError(f"{file.name} is of another size than the first frame.")
            before = photo
            if after is None or time > after:
                yield Frame(photo.rgb, time, 1, photo.alpha)


def _shown(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".")


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that puts frame10 after frame9."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in parts]
