"""Weight files: what there should be, what is there, and how to get what is missing.

The package's own manifest says which files there should be. A file that is missing or damaged in
the package is fetched into the user's folder, where `files.weight_path` finds it; there it is
taken only if it has the manifest's sha256.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from hasnet_models.errors import UsageError, WeightsError
from hasnet_models.filenames import is_file, is_folder
from hasnet_models.weights import files
from hasnet_models.weights.digests import sha256_of

MIRRORS_VARIABLE = "HASNET_MIRRORS"
MISSING, DAMAGED, PRESENT = "missing", "damaged", "ok"
_TIMEOUT_SECONDS = 30
_CHUNK = 1 << 20
_PART = ".part"

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Model:
    """A weight file that the manifest lists.

    Args:
        size: in bytes.
        mirrors: addresses of the file itself, tried in this order.
        path: where it lies, or should lie.
        status: "ok", "missing" or "damaged".
    """

    name: str
    size: int
    sha256: str
    licence: str
    origin: str
    mirrors: tuple[str, ...]
    path: Path
    status: str


def models() -> list[Model]:
    """All files of the package's manifest, each checked by size and sha256.

    Raises:
        WeightsError: there is no manifest, or it is damaged.
    """
    manifest = files.read_manifest(files.weights_folder())
    if not manifest:
        raise WeightsError(f"{files.weights_folder()} has no {files.MANIFEST}.")
    return [_model(name, entry) for name, entry in manifest.items()]


def _model(name: str, entry: dict[str, Any]) -> Model:
    bases = [part.strip() for part in os.environ.get(MIRRORS_VARIABLE, "").split(",")]
    path, status = _state(name)
    return Model(
        name,
        entry["size"],
        entry["sha256"],
        entry.get("licence", ""),
        entry.get("origin", ""),
        (*_below(filter(None, bases), name), *entry.get("mirrors", ())),
        path,
        status,
    )


def _state(name: str) -> tuple[Path, str]:
    try:
        return files.weight_path(name, anew=True), PRESENT
    except WeightsError:
        path = files.weights_folder() / name
        return path, DAMAGED if is_file(path) else MISSING


def _below(bases: Any, name: str) -> tuple[str, ...]:
    return tuple(f"{base.rstrip('/')}/{name}" for base in bases)


def chosen(found: Sequence[Model], names: Sequence[str]) -> list[Model]:
    """The models of these names, with or without suffix; all where none is named.

    Raises:
        UsageError: there is no such file.
    """
    by_name = {model.name: model for model in found}
    by_stem = {Path(model.name).stem: model for model in found}
    if strange := [name for name in names if name not in by_name | by_stem]:
        raise UsageError(
            f"There is no weight file {strange[0]}.", f"Files: {', '.join(sorted(by_name))}."
        )
    return [(by_name | by_stem)[name] for name in names] or list(found)


def pull(model: Model, mirrors: Sequence[str], folder: Path, advance: Advance) -> Path:
    """Fetch a file; one that was begun before is gone on with.

    Args:
        mirrors: folders' addresses (http, https, file) that come before the model's own.
        folder: where to put it; made where it is missing.
        advance: is told how many bytes have come.

    Raises:
        WeightsError: no mirror gave the right file; the hint says how to place it by hand.
    """
    problems = []
    for url in (*_below(mirrors, model.name), *model.mirrors):
        try:
            return _fetch(url, model, folder, advance)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            problems.append(f"{url}: {' '.join(str(reason).split())}")
    reason = "; ".join(problems) or "no mirror is known"
    raise WeightsError(
        f"{model.name} could not be fetched ({reason}).",
        by_hand(model, folder),
        parameters=("mirror",),
    )


def by_hand(model: Model, folder: Path) -> str:
    """How to bring the file here without a network."""
    return (
        f"Without a network: copy {model.name} ({model.size} bytes, sha256 {model.sha256}) from "
        f"another installation of hasnet to {folder}, or name a mirror (mirror=URL or "
        f"{MIRRORS_VARIABLE})."
    )


def _fetch(url: str, model: Model, folder: Path, advance: Advance) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{model.name}.{_mark(url)}{_PART}"
    if not is_file(part) or part.stat().st_size < model.size:
        _download(url, part, model.size, advance)
    digest = sha256_of(part)
    if part.stat().st_size != model.size or digest != model.sha256:
        part.unlink()
        raise ValueError(f"it has sha256 {digest[:12]}..., not {model.sha256[:12]}...")
    target = folder / model.name
    part.replace(target)
    for other in folder.glob(f"{glob.escape(model.name)}.*{_PART}"):  # begun from other mirrors
        other.unlink(missing_ok=True)
    return target


def _mark(url: str) -> str:
    """What a part is known by: junk of one mirror must not be gone on with from another."""
    return hashlib.sha256(url.encode()).hexdigest()[:8]


def _download(url: str, part: Path, size: int, advance: Advance) -> None:
    """Append what is missing, or begin again where the server gives only the whole file."""
    begun = part.stat().st_size if is_file(part) else 0
    request = urllib.request.Request(url, headers={"User-Agent": "hasnet"})
    if begun:
        request.add_header("Range", f"bytes={begun}-")
    with contextlib.closing(_open(request)) as answer:
        continued = answer.status == 206 and _starts_at(answer, begun)
        advance(begun if continued else 0)
        with part.open("ab" if continued else "wb") as file:
            _copy(answer, file, size - (begun if continued else 0), advance)
            file.flush()
            os.fsync(file.fileno())


def _open(request: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the part is longer than the file: the wrong file, so from the start
            raise
    request.remove_header("Range")
    return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)


def _starts_at(answer: Any, begun: int) -> bool:
    return (answer.headers.get("Content-Range") or "").startswith(f"bytes {begun}-")


def _copy(answer: BinaryIO, file: BinaryIO, wanted: int, advance: Advance) -> None:
    """Never more than the manifest's size: a mirror must not fill the disk.

    Raises:
        ValueError: the answer is longer than that, or ends too early; what came is kept for the
            next try in the second case.
    """
    while wanted > 0:
        data = answer.read(min(_CHUNK, wanted))
        if not data:
            raise ValueError(f"it ended {wanted} bytes early")
        file.write(data)
        wanted -= len(data)
        advance(len(data))


def free_bytes(folder: Path) -> int:
    """Free space where the folder is or will be."""
    while not is_folder(folder) and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
