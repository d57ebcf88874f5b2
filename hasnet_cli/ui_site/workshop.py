"""Photos that the page was given, and avatars that it asks for.

Nothing is done twice: a photo is decoded once, its faces are found once for each choice of them,
the networks run once for what they depend on, so that the sliders of the medium and the size need
none. The networks take one picture at a time, whatever number of tabs ask (`turns`). What is shown
is a small picture that is quickly coded; the file is written when it is asked for.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image

from hasnet_cli.ui_site.turns import Turns
from hasnet_models import image_io
from hasnet_models.avatar.job import Job, PhotoFaces, Rendering
from hasnet_models.avatar.portrait import Portrait
from hasnet_models.avatar.request import Request
from hasnet_models.errors import NoFaceError, UsageError
from hasnet_models.face.align import resized
from hasnet_models.face.choice import ALL, NUMBER, FaceChoice
from hasnet_models.filenames import fitting
from hasnet_models.frame import from_scaled
from hasnet_models.image_io import Photo
from hasnet_models.lru import Lru
from hasnet_models.opencv import cv2
from hasnet_models.plugins import Registry

PHOTOS = 6  # kept at once; the oldest makes room
AVATARS = 24
THUMBS = 300  # of 77 kB
THUMB = 160  # px
_PREVIEW = 1024  # px, longest side of a photo in the page
GoOn = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Opened:
    """A photo of the page.

    Attributes:
        key: names it in the page; a hash of name and bytes.
        digest: sha256 of its bytes.
        cut: with the face that is taken unless the user chooses another; with none where it has
            none.
    """

    key: str
    photo: Photo
    digest: str
    cut: PhotoFaces


@dataclass(frozen=True, eq=False)
class Made:
    """An avatar of the page.

    Attributes:
        job, cut, renderings: what its file is made of.
        shown: it at no more than 1,024 px a side.
        size: width and height of its file, px.
        name: of the file that the user downloads.
        before: the same frame of the photo, uint8 (H, W, 3), for the page.
    """

    key: str
    job: Job
    cut: PhotoFaces
    renderings: list[Rendering]
    shown: Portrait
    size: tuple[int, int]
    name: str
    before: np.ndarray

    @property
    def view(self) -> tuple[bytes, str]:
        """The avatar for the page, and its media type."""
        if self.shown.transparent:
            return _png(self.shown.pixels), "image/png"
        return image_io.encode(self.shown.array, ".jpg"), "image/jpeg"

    @property
    def record(self) -> dict[str, str]:
        """That of its file, where it says how to make it again."""
        options = json.loads(self.shown.metadata["options"])
        if self.job.request.size:
            options["size"] = self.job.request.size
        return self.shown.metadata | {"options": json.dumps(options)}

    def whole(self) -> Portrait:
        """The avatar as it is kept."""
        return self.job.finish(self.cut, self.renderings)[0]


class Workshop:
    """Use as a context manager: the files of avatars lie in a temporary folder.

    Args:
        registry: the installed domains.
        load: gives the pipeline for a device, a backend, and what it is to call between its steps;
            called once.
        device: where the networks compute.
    """

    def __init__(
        self, registry: Registry, load: Callable[[str, str, GoOn], Any], device: str = "auto"
    ) -> None:
        self.registry = registry
        self.device = device
        self._turns = Turns()
        self.pipeline = load(device, Request().backend, self._turns.go_on)
        self._photos, self._faces = Lru(PHOTOS), Lru(PHOTOS)
        self._looking = threading.Lock()
        self._jobs, self._cuts = Lru(2 * AVATARS), Lru(2 * PHOTOS)
        self._rendered, self._made = Lru(AVATARS), Lru(AVATARS)
        self._thumbs, self._smaller = Lru(THUMBS), Lru(PHOTOS)

    def __enter__(self) -> Workshop:
        self._folder = tempfile.TemporaryDirectory(prefix="hasnet-ui-")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def open(self, data: bytes, name: str, page: str = "", number: int = 0) -> Opened:
        """Take in a photo.

        Args:
            name: as its file is called where it comes from; folders are left out.
            page, number: see `Turns.picture`.

        Raises:
            GivesWay: the page wants something newer.
            ImageError: it is no picture, a damaged or a too large one.
        """
        name = PurePosixPath(PureWindowsPath(name).name).name or "photo"
        digest = hashlib.sha256(data).hexdigest()
        key = hashlib.sha256(f"{name}\0{digest}".encode(errors="surrogateescape")).hexdigest()[:24]
        with self._turns.picture(page, number):
            return self._photos.get_or(key, lambda: self._opened(key, data, name, digest))

    def _opened(self, key: str, data: bytes, name: str, digest: str) -> Opened:
        photo = image_io.decode(data, Path(name))
        try:
            faces, notes = self.pipeline.crops(photo, FaceChoice())
        except NoFaceError as error:
            faces, notes = [], [str(error)]
        return Opened(
            key, photo, digest, PhotoFaces(photo, tuple(faces), tuple(notes), digest=digest)
        )

    def faces(self, key: str) -> PhotoFaces:
        """All faces of a photo, from the left to the right; none where it has none.

        In a large photo they take seconds, so nobody's turn is taken for it.

        Raises:
            UsageError: the photo is not here any more.
        """
        opened = self.photo(key)
        with self._looking:
            return self._faces.get_or(key, lambda: self._found(opened))

    def _found(self, opened: Opened) -> PhotoFaces:
        try:
            faces, notes = self.pipeline.crops(opened.photo, FaceChoice(ALL))
        except NoFaceError:
            return replace(opened.cut, faces=())
        return replace(opened.cut, faces=tuple(faces), notes=tuple(notes))

    def photo(self, key: str) -> Opened:
        """A photo that was taken in.

        Raises:
            UsageError: it is not here any more.
        """
        found = self._photos.get(key)
        if found is None:
            raise UsageError("This photo is not here any more; drop it again.")
        return found

    def preview(self, key: str) -> bytes:
        """A photo for the page, a JPEG of at most 1,024 px a side."""
        return image_io.encode(_shrunk(self.photo(key).photo.rgb), ".jpg")

    def make(self, key: str, request: Request, page: str = "", number: int = 0) -> Made:
        """The avatar of a photo.

        Args:
            page, number: see `Turns.picture`.

        Raises:
            GivesWay: the page wants something newer.
            HasnetError: of the kind that fits.
        """
        opened = self.photo(key)
        if request.several:
            request = replace(request, face=FaceChoice())  # one picture; all go with paste
        ident = hashlib.sha256(f"{opened.key}{request!r}".encode()).hexdigest()[:24]
        with self._turns.picture(page, number):
            return self._made.get_or(ident, lambda: self._make(ident, opened, request))

    def thumb(self, key: str, request: Request) -> np.ndarray:
        """A small avatar of a photo, uint8 (160, 160, 3), for the choice of a world.

        Raises:
            GivesWay: somebody waits for something else.
        """
        opened = self.photo(key)
        with self._turns.thumbnail():
            return self._thumbs.get_or((key, request), lambda: self._thumb(opened, request))

    def _thumb(self, opened: Opened, request: Request) -> np.ndarray:
        job, cut, renderings = self._through_networks(opened, request)
        return resized(job.finish(cut, renderings)[0].array, THUMB)

    def made(self, key: str) -> Made:
        """An avatar that was made.

        Raises:
            UsageError: it is not here any more.
        """
        found = self._made.get(key)
        if found is None:
            raise UsageError("This avatar is not here any more; move a slider.")
        return found

    def file(self, key: str) -> Path:
        """The file that the user downloads: to the bit what the command line writes.

        Raises:
            UsageError: its avatar is not here any more.
            ImageError: it cannot be written.
        """
        made, path = self.made(key), Path(self._folder.name) / f"{key}.png"
        with self._turns.picture():
            return path if path.exists() else made.whole().save(path)

    def _make(self, ident: str, opened: Opened, request: Request) -> Made:
        job, cut, renderings = self._through_networks(opened, request)
        self._turns.go_on()
        small = _at_most(request, _PREVIEW)
        shown = self._job(small).finish(self._small(cut) if request.paste else cut, renderings)[0]
        name = fitting(Path(opened.photo.name).stem, f"-{request.label}.png")
        height, width = shown.array.shape[:2]
        if request.paste:
            height, width = cut.photo.rgb.shape[:2]
        elif request.size:
            height = width = request.size
        before = self._small(cut).photo.rgb if request.paste else renderings[0].steps.source
        return Made(ident, job, cut, renderings, shown, (width, height), name, before)

    def _small(self, cut: PhotoFaces) -> PhotoFaces:
        """A photo of at most 1,024 px a side with the same faces."""
        return self._smaller.get_or(cut, lambda: _smaller(cut))

    def _through_networks(
        self, opened: Opened, request: Request
    ) -> tuple[Job, PhotoFaces, list[Rendering]]:
        job = self._job(request)
        cut = self._cuts.get_or((opened.key, request.face), lambda: self._cut(job, opened))
        key = (opened.key, _of_networks(request))
        return job, cut, self._rendered.get_or(key, lambda: job.render([cut])[0])

    def _job(self, request: Request) -> Job:
        def start() -> Job:
            return Job.start(request, self.registry, lambda *_: self.pipeline, lambda note: None)

        return self._jobs.get_or(request, start)

    def _cut(self, job: Job, opened: Opened) -> PhotoFaces:
        """The face that a request chooses; those that were looked for are not looked for again."""
        choice = job.request.face
        if choice == FaceChoice() and opened.cut.faces:
            return opened.cut
        if choice.kind == NUMBER:
            found = self.faces(opened.key)
            if choice.number <= len(found.faces):
                return replace(found, faces=(found.faces[choice.number - 1],))
        return job.cut(opened.photo, digest=opened.digest)


def _of_networks(request: Request) -> Request:
    """The request without what is done after the networks."""
    look = replace(request.look, medium=None, medium_kind=None)
    return replace(request, size=None, paste=False, medium_all=False, look=look)


def _at_most(request: Request, side: int) -> Request:
    """The request with a size that is no larger."""
    return request if (request.size or 0) <= side else replace(request, size=side)


def _smaller(cut: PhotoFaces) -> PhotoFaces:
    rgb = _shrunk(cut.photo.rgb)
    k = max(rgb.shape) / max(cut.photo.rgb.shape)
    if k == 1.0:
        return cut
    alpha = None if cut.photo.alpha is None else _shrunk(cut.photo.alpha)
    faces = tuple(replace(face, matrix=from_scaled(face.matrix, k)) for face in cut.faces)
    return replace(cut, photo=replace(cut.photo, rgb=rgb, alpha=alpha), faces=faces)


def _shrunk(rgb: np.ndarray) -> np.ndarray:
    """A picture (H, W) or (H, W, C) of at most 1,024 px a side, of the same shape."""
    height, width = rgb.shape[:2]
    scale = min(1.0, _PREVIEW / max(height, width))
    if scale == 1.0:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _png(rgba: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgba).save(stream, "PNG", compress_level=1)  # it goes no farther than the page
    return stream.getvalue()
