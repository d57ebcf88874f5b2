"""What is written into an avatar about how it was made: enough to make it again.

A record is a flat dictionary of texts, which `image_io` stores in the file (PNG text, EXIF
UserComment) and reads back. It names files, never folders.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hasnet_models import __version__
from hasnet_models.avatar.request import NO_DOMAIN, RANDOM, STREAM, Request
from hasnet_models.errors import WeightsError
from hasnet_models.palette import hex_codes
from hasnet_models.weights import files

if TYPE_CHECKING:
    from hasnet_models.avatar.job import Job
    from hasnet_models.image_io import Photo
    from hasnet_models.plugins import Domain
    from hasnet_models.plugins.reference import Reference

SCHEMA = "1"
_LIKE = "like:"
# Where the network computes is recorded as it was, and the seed only where it chose something.
_SAID_OTHERWISE = {"domain", "reference", "seed", "device"}


def weights_hashes(domain: Domain | None = None) -> dict[str, str]:
    """File name -> sha256 of the embedded networks that are there, and of the domain's head."""
    found = {}
    for name in files.NETWORKS:
        with contextlib.suppress(WeightsError):
            found[name] = files.sha256_of(files.weight_path(name))
    if domain and domain.head and domain.head_file:
        found[f"{domain.name}/{domain.head.name}"] = files.sha256_of(domain.head)
    return found


def record(
    photo: Photo,
    reference: Reference,
    job: Job,
    face: str | None = None,
    matrix: np.ndarray | None = None,
    digest: str | None = None,
) -> dict[str, str]:
    """All that made one avatar of a job.

    Args:
        face: the number of one face out of several.
        matrix: (2, 3), photo to crop, where the avatar shows one face.
        digest: sha256 of the photo's file where it is known.
    """
    request = replace(job.request, face=face) if face else job.request
    found = {
        "schema": SCHEMA,
        "version": __version__,
        "input": photo.name,
        "input_sha256": digest or (files.sha256_of(photo.path) if photo.path else ""),
        "domain": job.domain.name if job.domain else NO_DOMAIN,
        "reference": reference.name,
        "palette": " ".join(hex_codes(reference.palette)),
        "z_id_model": reference.z_id_model,
        "z_id": base64.b64encode(reference.z_id.astype("<f4").tobytes()).decode("ascii"),
        "options": json.dumps(_options(request), sort_keys=True),
        "matrix": "" if matrix is None else " ".join(f"{v:.9g}" for v in matrix.ravel()),
        "seed": str(job.seed) if job.request.reference == RANDOM else "",
        "device": str(job.pipeline.device),
        "weights": json.dumps(job.weights, sort_keys=True),
    }
    return {key: value for key, value in found.items() if value}


def _options(request: Request) -> dict[str, Any]:
    """What was asked for beyond the defaults; files by their names alone."""
    defaults = {field.name: field.default for field in fields(Request)}
    changed = {
        name: value
        for name, value in asdict(request).items()
        if name not in _SAID_OTHERWISE and value != defaults[name]
    }
    if request.ref not in (None, STREAM):
        changed["ref"] = Path(request.ref).name
    if request.face.startswith(_LIKE):
        changed["face"] = _LIKE + Path(request.face.removeprefix(_LIKE)).name
    return changed


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
    here = weights_hashes(domain)
    return sorted(name for name, digest in recorded.items() if here.get(name) != digest)
