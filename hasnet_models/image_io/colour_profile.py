"""ICC profiles: whatever a picture's colours mean, it becomes sRGB (littlecms through Pillow).

littlecms is loaded for pictures that need it: most that are read have no profile or ours, and that
one is a file here, as littlecms makes it.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

# Colours at which a profile is compared with sRGB, and how far apart both may be, in steps of 255:
# profiles of sRGB differ by so much in the black that they assume.
_PROBES = (0, 8, 16, 32, 64, 96, 128, 160, 192, 224, 255)
_SAME = 2


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """An 8-bit picture of any mode as RGB in sRGB.

    Args:
        icc: its profile; one that is damaged, or for another kind of picture, is ignored.
    """
    if icc == srgb_bytes():
        icc = None
    if not icc and image.mode != "LAB":
        return image.convert("RGB")
    from PIL import ImageCms

    if icc:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(icc)))
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        return ImageCms.applyTransform(image, transform)
    return image.convert("RGB")


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """The picture in sRGB.

    Raises:
        ValueError: the profile is for another kind of picture.
    """
    from PIL import ImageCms

    space = profile.profile.xcolor_space.strip()
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(space)
    fits = {"RGB": ("RGB", "P", "L", "1", "RGBX"), "L": ("L", "1"), "CMYK": ("CMYK",)}
    if mode is None or image.mode not in fits[mode]:
        raise ValueError(f"a {space} profile on a picture of mode {image.mode}")
    transform = ImageCms.buildTransform(profile, srgb_profile(), mode, "RGB")
    # A conversion from sRGB to itself would only add rounding errors.
    if mode == "RGB" and _changes_nothing(transform):
        return image.convert("RGB")
    return ImageCms.applyTransform(image.convert(mode), transform)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform of RGB is that of sRGB to itself: names of profiles are no proof."""
    from PIL import ImageCms

    probes = _probe_colours()
    there = np.asarray(ImageCms.applyTransform(Image.fromarray(probes), transform))
    return int(np.abs(there.astype(np.int16) - probes).max()) <= _SAME


@functools.lru_cache(maxsize=1)
def _probe_colours() -> np.ndarray:
    """uint8 (1, N, 3), a grid of colours."""
    return np.array([list(itertools.product(_PROBES, repeat=3))], np.uint8)


@functools.lru_cache(maxsize=1)
def srgb_profile() -> ImageCms.ImageCmsProfile:
    """The profile of sRGB."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@functools.cache
def srgb_bytes() -> bytes:
    """The profile of sRGB for a file, always the same.

    littlecms 2.19 made it; the time of its making (ICC.1, 7.2.8) is 2000-01-01 00:00:00 and the ID
    (7.2.18) zero.
    """
    return Path(__file__).with_name("srgb.icc").read_bytes()
