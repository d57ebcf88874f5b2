"""Every weight file is found and checked here, without torch.

Files lie in the package folder `hasnet_models/weights`, listed with size, sha256, licence and
origin in its `manifest.json` (tools/manifest.py refreshes it). Files in the folder that the
environment variable HASNET_WEIGHTS names come first; they are checked when that folder has a
manifest of its own. Where a packaged file is missing or damaged, the one that `weights.store.pull`
put into the user's folder takes its place, if it is the file that the manifest lists.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from hasnet_models import folders
from hasnet_models.errors import WeightFileError, WeightsError
from hasnet_models.filenames import is_file, is_folder
from hasnet_models.weights.digests import keep, sha256_of

MANIFEST = "manifest.json"
OVERRIDE_VARIABLE = "HASNET_WEIGHTS"
# What making an avatar needs.
NETWORKS = (
    "rt_net.safetensors",
    "tt_net.safetensors",
    "vgg16.safetensors",
    "mobilefacenet.safetensors",
    "centerface.onnx",
    "face_mesh.onnx",
    "person_mask.onnx",
    "drawn_landmarks.onnx",
)
# What restores weak faces, where that is asked for.
RESTORER = "restorer.onnx"


def weights_folder() -> Path:
    """The folder of the embedded weights (the wheel is always installed unpacked)."""
    return Path(str(resources.files("hasnet_models"))) / "weights"


def user_folder() -> Path:
    """Where fetched weight files are kept."""
    return folders.user_folder("data") / "weights"


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """File name -> {size, sha256, licence, origin}; empty if the folder has no manifest.

    Raises:
        WeightsError: the manifest cannot be read as one.
    """
    path = folder / MANIFEST
    if not is_file(path):
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {name: {**entry, "size": int(entry["size"])} for name, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightFileError(f"The weights list {path} is damaged: {error}.") from error


def weight_path(name: str, *, anew: bool = False) -> Path:
    """Where the weight file `name` (with suffix) lies, after checking its size and sha256.

    Args:
        anew: read it for that, whatever is known of it.

    Raises:
        WeightsError: it is missing, not listed, or not the file that the manifest describes.
    """
    folder = _override_folder()
    if folder and is_file(folder / name):
        if manifest := read_manifest(folder):
            _check(folder / name, manifest.get(name), anew)
        return folder / name
    folder = weights_folder()
    entry = read_manifest(folder).get(name)
    try:
        _check(folder / name, entry, anew)
    except WeightsError:
        fetched = user_folder() / name
        if entry is None or not is_file(fetched):
            raise
        _check(fetched, entry, anew)
        return fetched
    return folder / name


def _override_folder() -> Path | None:
    value = os.environ.get(OVERRIDE_VARIABLE)
    if value and not is_folder(Path(value)):
        raise WeightsError(f"{OVERRIDE_VARIABLE} names {value}, which is no folder.")
    return Path(value) if value else None


def _check(path: Path, entry: Mapping[str, Any] | None, anew: bool) -> None:
    if not is_file(path):
        raise WeightFileError(f"The weight file {path.name} is missing from {path.parent}.")
    if entry is None:
        raise WeightsError(
            f"The weight file {path} is not listed in {MANIFEST}.",
            "Run tools/manifest.py if the file is new and right.",
        )
    if path.stat().st_size != entry["size"] or _kept_digest(path, anew) != entry["sha256"]:
        raise WeightFileError(
            f"The weight file {path} is damaged: it is not the file that {MANIFEST} lists."
        )


def _kept_digest(path: Path, anew: bool) -> str:
    """Kept for other processes even where it is not the right one: damage stays known."""
    digest = sha256_of(path, anew=anew)
    keep(path, digest)
    return digest
