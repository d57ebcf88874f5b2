"""Avatars from Python, in three lines::

    from hasnet_models import Avatar
    avatar = Avatar(domain="sketch")
    avatar("me.jpg").save("out.png")
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hasnet_models import image_io
from hasnet_models.avatar import job
from hasnet_models.errors import UsageError
from hasnet_models.image_io import Photo
from hasnet_models.plugins import discover

if TYPE_CHECKING:
    from hasnet_models.avatar.pipeline import AvatarPipeline

Array = NDArray[np.uint8]
Picture = str | PathLike[str] | Image.Image | Array


@dataclass(frozen=True, eq=False)
class Made:
    """An avatar, and how it came about.

    Attributes:
        array: uint8 (512, 512, 3) in sRGB, or of the photo's size with `paste`.
        domain: whose network was used; "none" is the base network.
        reference: name of the reference that was taken.
        palette: its 20 colours, "#rrggbb".
        notes: such as "2 faces; the largest was taken".
        metadata: what `save` writes into the file; `hasnet explain` shows it.
    """

    array: Array
    domain: str
    reference: str
    palette: tuple[str, ...]
    notes: tuple[str, ...]
    metadata: dict[str, str] = field(repr=False)
    _picture: Array | Photo = field(repr=False)
    _source: Photo = field(repr=False)

    @property
    def image(self) -> Image.Image:
        """As a Pillow picture, RGB."""
        return Image.fromarray(self.array)

    def save(self, path: str | PathLike[str], quality: int = image_io.DEFAULT_QUALITY) -> Path:
        """Write it, whole or not at all; the suffix gives the format.

        Args:
            quality: 1..100, for JPEG, WebP, AVIF and HEIC.

        Raises:
            UsageError: an unknown suffix, a missing folder, or the photo's own file.
            ImageError: it cannot be written.
        """
        target = Path(path)
        image_io.write(
            self._picture, target, quality=quality, metadata=self.metadata, source=self._source
        )
        return target


class Avatar:
    """Makes avatars of one look. The networks are loaded at the first picture, and kept.

    Args:
        domain: an installed domain, "none" for the base network, or None with `ref` for the
            nearest one.
        ref: a picture whose colours and identity are taken.
        reference: which of the domain's references: a number from 1, a name, "likest" (default)
            or "random".
        seed: of "random".
        face: "auto", "largest", "aligned", a number from the left, "like:PICTURE" or "x,y,w,h".
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        backend: face detector, "embedded" or "insightface".
        paste: give the whole photo with its avatar in it.
        size: side of the avatar in pixels, None for 512.
        strength: 0 takes only the reference's colours, 1 the whole effect.
        say: takes notes on the choice of domain and reference; None drops them.

    Raises:
        UsageError: the arguments contradict each other.
    """

    def __init__(
        self,
        domain: str | None = None,
        *,
        ref: str | PathLike[str] | None = None,
        reference: str | int | None = None,
        seed: int | None = None,
        face: str = "auto",
        device: str = "auto",
        backend: str = "embedded",
        paste: bool = False,
        size: int | None = None,
        strength: float = 1.0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._request = job.Request(
            domain=domain,
            ref=None if ref is None else str(ref),
            reference=None if reference is None else str(reference),
            seed=seed,
            face=face,
            device=device,
            backend=backend,
            paste=paste,
            size=size,
            strength=strength,
        )
        self._request.check()
        if self._request.several:
            raise UsageError("face='all' gives several avatars; it needs paste=True here.")
        self._say = say or (lambda _text: None)

    @cached_property
    def _job(self) -> job.Job:
        return job.Job.start(self._request, discover(), _load, self._say)

    @overload
    def __call__(self, picture: str | PathLike[str]) -> Made: ...
    @overload
    def __call__(self, picture: Image.Image) -> Image.Image: ...
    @overload
    def __call__(self, picture: Array) -> Array: ...
    def __call__(self, picture: Picture) -> Made | Image.Image | Array:
        """The avatar of a picture, of the picture's own kind.

        Args:
            picture: a path gives a `Made` (with `save`), a Pillow picture of any mode gives one in
                RGB, a uint8 array (H, W, 3) or (H, W) in sRGB gives an array (H', W', 3).

        Raises:
            HasnetError: of the kind that fits; all are in `hasnet_models.errors`.
        """
        made = self.make(picture)
        if isinstance(picture, Image.Image):
            return made.image
        return made.array if isinstance(picture, np.ndarray) else made

    def make(self, picture: Picture) -> Made:
        """As calling, with all that is known of the avatar, whatever the picture's kind."""
        photo = _photo(picture)
        made = self._job.make(photo)
        array = made.picture.rgb if isinstance(made.picture, Photo) else made.picture
        return Made(
            array,
            made.metadata["domain"],
            made.reference.name,
            tuple(made.metadata["palette"].split()),
            made.notes,
            made.metadata,
            made.picture,
            photo,
        )


@functools.lru_cache(maxsize=1)
def _load(device: str, backend: str) -> AvatarPipeline:
    """Shared by all looks on a device."""
    from hasnet_models.avatar.pipeline import AvatarPipeline

    return AvatarPipeline.load(device, backend)


def _photo(picture: Picture) -> Photo:
    if isinstance(picture, Image.Image):
        return image_io.from_pillow(picture)
    if not isinstance(picture, np.ndarray):
        return image_io.read(Path(picture))
    rgb = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise UsageError(
            f"A picture as an array is uint8 (H, W, 3) or (H, W), not {picture.dtype} "
            f"{picture.shape}."
        )
    return Photo(np.ascontiguousarray(rgb))
