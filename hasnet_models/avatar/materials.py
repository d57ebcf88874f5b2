"""What the files that a look names hold: the user's own palette and background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hasnet_models import image_io, palette
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.reading import palette_of
from hasnet_models.avatar.steps import Pipeline
from hasnet_models.controls.palette_file import Palette, read_palette
from hasnet_models.errors import NoFaceError
from hasnet_models.face.choice import FaceChoice
from hasnet_models.filenames import STREAM
from hasnet_models.image_io import Photo
from hasnet_models.plugins.reference import Reference


@dataclass(frozen=True, eq=False)
class Materials:
    """The files of a look, read once.

    Attributes:
        palette: colours in place of the reference's; None for its own.
        background: uint8 (H, W, 3), a picture that the person is put before, or None.
    """

    palette: Palette | None = None
    background: np.ndarray | None = None

    def dressed(self, reference: Reference) -> Reference:
        """The reference with the user's palette."""
        if self.palette is None:
            return reference
        return replace(reference, palette=self.palette.colours, shares=self.palette.shares)


def read_files(look: Look) -> tuple[Palette | Photo | None, np.ndarray | None]:
    """The palette, as a picture where it is one, and the background's picture.

    Raises:
        UsageError: a file is not there.
        ImageError: it cannot be used.
    """
    found: Palette | Photo | None = None
    if look.palette is not None:
        text = None if look.palette == STREAM else read_palette(look.palette)
        found = text or image_io.read(look.palette)
    file = look.background.file
    return found, image_io.read(file).rgb if file else None


def materials(
    files: tuple[Palette | Photo | None, np.ndarray | None],
    pipeline: Pipeline,
    say: Callable[[str], None],
) -> Materials:
    """What was read, with the palette of a picture taken from it.

    Args:
        files: from `read_files`.
        pipeline: finds the face of the picture, whose colours and shares are taken then.
        say: takes notes for the user.
    """
    colours, background = files
    if isinstance(colours, Photo):
        colours = of_picture(colours, pipeline)
    for note in () if colours is None else colours.notes:
        say(note)
    return Materials(colours, background)


def of_picture(photo: Photo, pipeline: Pipeline) -> Palette:
    """The palette of a picture's largest face, or of the whole picture where it has none."""
    try:
        (face, *_), _ = pipeline.crops(photo, FaceChoice())
    except NoFaceError:
        return Palette(palette.extract(photo.rgb), None)
    return Palette(*palette_of(face))
