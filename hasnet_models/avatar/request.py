"""What is asked for: how an avatar is to look, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from hasnet_models.avatar.look import Look
from hasnet_models.controls.mix_choice import MixChoice
from hasnet_models.errors import UsageError
from hasnet_models.face.choice import ALL, SINGLE, FaceChoice
from hasnet_models.filenames import STREAM, stem_of
from hasnet_models.plugins.naming import label_of
from hasnet_models.restoring import choice as restoring
from hasnet_models.runtimes.names import check_runtime

NO_DOMAIN = "none"
LIKEST = "likest"
RANDOM = "random"
SIZES = range(16, 4097)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """How an avatar is to look.

    Attributes:
        domain: an installed domain, the path of a domain's folder (it begins with "." or "~", or
            is absolute), "none" for the base network, None with `ref` for the nearest.
        ref: path of a picture whose colours and identity are taken; "-" is standard input.
        reference: of the domain: a number from 1, a name, "likest" (also None) or "random".
        seed: of a random choice; None for one by chance.
        face: which faces of a photo.
        ref_face: where the face of `ref` is.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        backend: the face detector.
        runtime: what computes the networks, "auto", "onnx" or "torch".
        paste: the whole photo with its avatar in it.
        size: side of the avatar in px, None for 512.
        medium_all: with `paste`, the medium covers the whole photo and not only the face.
        mix: several references of the domain in place of one.
        restore: what makes weak faces better: "auto", "off" or the path of an ONNX file.
        look: how far the avatar goes towards its reference, and what it has of the user's own.
    """

    domain: str | None = None
    ref: str | None = None
    reference: str | None = None
    seed: int | None = None
    face: FaceChoice = field(default_factory=FaceChoice)
    ref_face: FaceChoice = field(default_factory=FaceChoice)
    device: str = "auto"
    backend: str = "embedded"
    runtime: str = "auto"
    paste: bool = False
    size: int | None = None
    medium_all: bool = False
    mix: MixChoice | None = None
    restore: str = restoring.DEFAULT
    look: Look = field(default_factory=Look)

    @classmethod
    def of(cls, **options: Any) -> Request:
        """From the flat options of a user: those of `Look` beside the others."""
        look = {f.name: options.pop(f.name) for f in fields(Look) if f.name in options}
        return cls(**options, look=Look(**look))

    def check(self) -> None:
        """Raises UsageError where parts of the request contradict each other."""
        check_runtime(self.runtime, self.device)
        restoring.check_restore(self.restore)
        self._check_look()
        self._check_frame()
        self.look.check()

    def _check_look(self) -> None:
        if self.ref is None and self.domain in (None, NO_DOMAIN):
            raise UsageError(
                "Nothing says what the avatar is to look like.",
                "Give domain=NAME (`hasnet domains` lists them) or ref=PICTURE.",
                parameters=("domain", "ref"),
            )
        if self.ref is not None and self.reference is not None:
            raise _refusal(
                "A reference of the domain and a picture as reference exclude each other.",
                "reference", "ref",
            )  # fmt: skip
        self._check_mix()
        if self.seed is not None and self.reference != RANDOM:
            raise UsageError(
                "A seed is for a random choice of the reference.",
                f"Give reference={RANDOM} beside seed={self.seed}.",
                parameters=("reference", "seed"),
            )

    def _check_mix(self) -> None:
        if self.mix is None:
            return
        if self.ref is not None or self.reference is not None:
            raise _refusal(
                "A mixture stands in place of a reference of the domain or a picture.",
                "mix", "reference", "ref",
            )  # fmt: skip

    def _check_frame(self) -> None:
        if self.size is not None and self.paste:
            raise _refusal(
                "Size and paste exclude each other: a pasted avatar keeps its photo's size.",
                "size", "paste",
            )  # fmt: skip
        if self.size is not None and self.size not in SIZES:
            raise _refusal(f"The size must be {SIZES.start} to {SIZES.stop - 1} px.", "size")
        if self.medium_all and not self.paste:
            raise UsageError(
                "An avatar is covered by its medium anyway; a whole photo is given with paste.",
                "Give paste=True beside medium_all=True.",
                parameters=("paste", "medium_all"),
            )
        if self.ref_face.kind not in SINGLE:
            raise _refusal(
                f"The face of a reference picture is {', '.join(SINGLE)}, not {self.ref_face}.",
                "ref_face",
            )

    def changed(self) -> dict[str, Any]:
        """What differs from the defaults, by option: numbers, texts and lists of texts."""
        found = _changed(self, Request()) | _changed(self.look, Look())
        found.pop("look", None)
        return {name: _plain(value) for name, value in found.items()}

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it reads, standard input left out."""
        found = (self.ref, self.face.picture, self.restorer_file, *self.look.files)
        return tuple(path for path in found if path and path != STREAM)

    @property
    def embeds(self) -> bool:
        """Whether z_id of a face is needed: of a picture that is the reference or shows whose face
        is meant, or of the photo's own face, which the likest reference is chosen by.
        """
        likest = self.mix is None and self.reference in (None, LIKEST)
        return likest or bool(self.ref or self.face.picture)

    @property
    def restorer_file(self) -> str | None:
        """The file of the user's that restores faces, or None."""
        return restoring.file_of(self.restore)

    @property
    def several(self) -> bool:
        """Whether a photo may give more than one picture, which are numbered then."""
        return self.face.kind == ALL and not self.paste

    @property
    def label(self) -> str:
        """What an output is called after: the domain, or the picture that is the reference."""
        if self.domain not in (None, NO_DOMAIN):
            return label_of(self.domain)
        return stem_of(self.ref or "")


def _changed(record: Any, default: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from another's."""
    pairs = ((f.name, getattr(record, f.name)) for f in fields(record))
    return {name: value for name, value in pairs if value != getattr(default, name)}


def _plain(value: Any) -> Any:
    """A value as a record holds it: what is no number, switch or text as its text."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def _refusal(message: str, *parameters: str) -> UsageError:
    return UsageError(message, parameters=parameters)
