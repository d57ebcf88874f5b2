"""An avatar that is made: its pixels, how it came about, and its way into a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hasnet_models import image_io
from hasnet_models.avatar.steps import Steps
from hasnet_models.image_io import Photo
from hasnet_models.palette import hex_codes


@dataclass(frozen=True, eq=False)
class Portrait:
    """An avatar, and how it came about.

    Attributes:
        array: uint8 (512, 512, 3) in sRGB, or of the photo's size with `paste`.
        domain: whose network was used; "none" is the base network.
        reference: name of the reference that was taken.
        colours: its palette, uint8 (20, 3).
        notes: such as "2 faces found, took the largest."
        metadata: what `save` writes into the file; `hasnet explain` shows it.
        steps: the stages of the networks, of the first face where there are several.
        source: the photo; its EXIF is passed on and its file never written over.
        alpha: of the photo with `paste`, uint8 (H, W), or None.
    """

    array: NDArray[np.uint8] = field(repr=False)
    domain: str
    reference: str
    colours: NDArray[np.uint8] = field(repr=False)
    notes: tuple[str, ...]
    metadata: dict[str, str] = field(repr=False)
    steps: Steps = field(repr=False)
    source: Photo = field(repr=False)
    alpha: NDArray[np.uint8] | None = field(default=None, repr=False)

    @property
    def image(self) -> Image.Image:
        """As a Pillow picture, RGB."""
        return Image.fromarray(self.array)

    @property
    def palette(self) -> tuple[str, ...]:
        """The 20 colours of the reference, "#rrggbb"."""
        return tuple(hex_codes(self.colours))

    def save(self, path: str | PathLike[str], quality: int = image_io.DEFAULT_QUALITY) -> Path:
        """Write it, whole or not at all; the suffix gives the format.

        Args:
            path: a file; "-" writes PNG to standard output.
            quality: 1..100, for JPEG, WebP, AVIF and HEIC.

        Raises:
            UsageError: an unknown suffix, a missing folder, or the photo's own file.
            ImageError: it cannot be written.
        """
        target = Path(path)
        picture = Photo(self.array, self.alpha)
        image_io.write(
            picture, target, quality=quality, metadata=self.metadata, source=self.source
        )
        return target
