"""What is written into an avatar about how it was made: enough to make it again.

A record is a flat dictionary of texts, which `image_io` stores in the file (PNG text, EXIF
UserComment) and reads back. It names files, never folders.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models.avatar.layer import Layer, layer_of
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import NO_DOMAIN, RANDOM, Request
from hasnet_models.controls.zone_choice import ALL
from hasnet_models.errors import HasnetError, WeightsError
from hasnet_models.face.align import share_outside
from hasnet_models.face.choice import FaceChoice
from hasnet_models.filenames import STREAM
from hasnet_models.image_io import Photo
from hasnet_models.palette import hex_codes
from hasnet_models.plugins import Domain
from hasnet_models.plugins.naming import is_path
from hasnet_models.plugins.reference import Reference
from hasnet_models.version import __version__
from hasnet_models.weights import files
from hasnet_models.weights.digests import sha256_of

SCHEMA = "1"
# What a record may hold; anything else in a file was not written by `record`. That of a clip has
# its own options as "clip".
KEYS = (
    "schema", "version", "input", "input_sha256", "domain", "reference", "references", "palette",
    "z_id_model", "z_id", "medium", "restorer", "options", "matrix", "outside", "seed", "device",
    "runtime", "weights", "clip", "animate",
)  # fmt: skip
# Where and by what the network is computed is recorded as it was, and the seed only where it
# chose something.
_SAID_OTHERWISE = {"domain", "reference", "seed", "device", "runtime"}


@dataclass(frozen=True)
class Origin:
    """What all avatars of a job have in common.

    Attributes:
        domain: whose network is used; None for the base network.
        seed: of a random choice of references.
        device: where the networks compute.
        runtime: what computes them.
        weights: sha256 of each weight file.
        layer: the medium; None for none.
    """

    request: Request
    domain: Domain | None
    seed: int
    device: str
    runtime: str
    weights: Mapping[str, str]
    layer: Layer | None = None


def weights_hashes(domain: Domain | None = None, *, restoring: bool = False) -> dict[str, str]:
    """File name -> sha256 of the embedded networks that are there, and of the domain's head.

    Args:
        restoring: whether the one that restores weak faces is among them.
    """
    found = {}
    for name in (*files.NETWORKS, *((files.RESTORER,) if restoring else ())):
        with contextlib.suppress(WeightsError):
            found[name] = sha256_of(files.weight_path(name))
    if domain and domain.head and domain.head_file:
        found[f"{domain.name}/{domain.head.name}"] = sha256_of(domain.head)
    return found


def record(
    origin: Origin,
    photo: Photo,
    reference: Reference,
    *,
    number: int | None = None,
    matrix: np.ndarray | None = None,
    digest: str | None = None,
    others: Sequence[Reference] = (),
) -> dict[str, str]:
    """All that made one avatar.

    Args:
        others: references of the further faces of one picture; named where they are not the same.
        number: of one face out of several.
        matrix: (2, 3), photo to crop, where the avatar shows one face.
        digest: sha256 of the photo's file where it is known.
    """
    request = origin.request
    if number is not None:
        request = replace(request, face=FaceChoice.of_number(number))
    found = {
        "schema": SCHEMA,
        "version": __version__,
        "input": photo.name,
        "input_sha256": digest or (sha256_of(photo.path) if photo.path else ""),
        "domain": _domain_name(origin),
        "reference": reference.name,
        "references": _names(reference, *others),
        "palette": " ".join(hex_codes(reference.palette)),
        "z_id_model": reference.z_id_model,
        "z_id": base64.b64encode(reference.z_id.astype("<f4").tobytes()).decode("ascii"),
        "medium": json.dumps(origin.layer.table(), sort_keys=True) if origin.layer else "",
        "restorer": _restorer(request),
        "options": json.dumps(_options(request), sort_keys=True),
        "matrix": "" if matrix is None else " ".join(f"{v:.9g}" for v in matrix.ravel()),
        "outside": _outside(photo, matrix),
        "seed": str(origin.seed) if request.reference == RANDOM else "",
        "device": origin.device,
        "runtime": origin.runtime,
        "weights": json.dumps(dict(origin.weights), sort_keys=True),
    }
    return {key: value for key, value in found.items() if value}


def _domain_name(origin: Origin) -> str:
    """As it can be asked for again: with its package where that had to be said, but no folder."""
    asked = origin.request.domain
    if asked and "/" in asked and not is_path(asked):
        return asked
    return origin.domain.name if origin.domain else NO_DOMAIN


def _names(*references: Reference) -> str:
    names = [reference.name for reference in references]
    return json.dumps(names) if len(set(names)) > 1 else ""


def _outside(photo: Photo, matrix: np.ndarray | None) -> str:
    """The share of the crop that lies beyond the photo, empty for none."""
    share = 0.0 if matrix is None else share_outside(photo.rgb.shape, matrix)
    return f"{share:.3f}" if share >= 0.0005 else ""


def _restorer(request: Request) -> str:
    """sha256 of the user's file that restores faces, or nothing."""
    return sha256_of(Path(request.restorer_file)) if request.restorer_file else ""


def _options(request: Request) -> dict[str, Any]:
    """What was asked for beyond the defaults; files by their names alone."""
    if request.ref not in (None, STREAM):
        request = replace(request, ref=Path(request.ref).name)
    if (file := request.restorer_file) is not None:
        request = replace(request, restore=Path(file).name)
    look = request.look.without_folders()
    request = replace(request, face=request.face.without_folder(), look=look)
    changed = request.changed()
    return {name: value for name, value in changed.items() if name not in _SAID_OTHERWISE}


def matrix_of(found: Mapping[str, str]) -> np.ndarray | None:
    """The matrix of a record, float64 (2, 3), photo to crop; None if it has none that is sound."""
    try:
        return np.array(found["matrix"].split(), np.float64).reshape(2, 3)
    except (KeyError, ValueError):
        return None


def z_id_of(found: Mapping[str, str]) -> np.ndarray:
    """The z_id of a record, float32 (D,), to the bit.

    Raises:
        KeyError, ValueError: the record has none, or it is damaged.
    """
    return np.frombuffer(base64.b64decode(found["z_id"], validate=True), "<f4").astype(np.float32)


def changed_weights(found: Mapping[str, str], domain: Domain | None) -> list[str]:
    """The weight files of a record that are not the ones installed here."""
    try:
        recorded = dict(json.loads(found.get("weights", "{}")))
    except (ValueError, TypeError):
        return []
    here = weights_hashes(domain, restoring=True)
    return sorted(name for name, digest in recorded.items() if here.get(name) != digest)


def is_other_medium(found: Mapping[str, str], domain: Domain | None) -> bool:
    """Whether what a record calls its medium has other parameters here, or is not here."""
    try:
        recorded = dict(json.loads(found.get("medium", "{}")))
        options = dict(json.loads(found.get("options", "{}")))
    except (ValueError, TypeError):
        return False
    if not recorded:
        return False
    try:
        keep = (ALL,) if {"colour", "keep", "palette"} & options.keys() else ()
        kind = options.get("medium_kind")
        look = Look(medium=recorded.get("strength"), medium_kind=kind, keep=keep)
        here = layer_of(look, domain)
    except HasnetError:
        return True
    return here is None or here.table() != recorded
