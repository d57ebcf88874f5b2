"""What a result depends on besides the photo, as two short hashes.

A photo that was done with the same bytes, the same parameters and the same weights need not be
done again. Where the networks compute and how many photos they take at once is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import LIKEST, RANDOM
from hasnet_models.face.choice import LIKE

# What is in the job in another form, or does not change the result.
_LEFT_OUT = {"domain", "ref", "ref_face", "reference", "seed", "device"}


@dataclass(frozen=True)
class Fingerprint:
    """Hexadecimal sha256, shortened to 16 digits: of the parameters, of the weights."""

    parameters: str
    weights: str


def fingerprint_of(job: Job) -> Fingerprint:
    """Of a job that is made ready; defaults are left out, so that a new option changes no hash."""
    changed = job.request.changed()
    request = {name: value for name, value in changed.items() if name not in _LEFT_OUT}
    if job.like is not None:
        request["face"] = LIKE + _digest_of(job.like)
    parameters = request | {"domain": job.domain.name if job.domain else None} | _reference(job)
    return Fingerprint(_short(parameters), _short(job.weights))


def _reference(job: Job) -> dict[str, Any]:
    """The reference itself, or how it is chosen and among which."""
    if job.fixed is not None:
        return {"palette": _digest_of(job.fixed.palette), "z_id": _digest_of(job.fixed.z_id)}
    assert job.domain is not None
    seed = job.seed if job.request.reference == RANDOM else None
    vectors = "".join(_digest_of(r.palette) + _digest_of(r.z_id) for r in job.domain.references)
    return {"choice": job.request.reference or LIKEST, "seed": seed, "among": vectors}


def _digest_of(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def _short(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
