"""What a result depends on besides the photo, as two short hashes.

A photo that was done with the same bytes, the same parameters and the same weights need not be
done again. Where the networks compute and how many photos they take at once is left out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from hasnet_models.avatar.job import Job

# What is in the job in another form, or does not change the result.
_LEFT_OUT = {"domain", "ref", "ref_face", "reference", "seed", "device"}


@dataclass(frozen=True)
class Fingerprint:
    """Hexadecimal sha256, shortened to 16 digits: of the parameters, of the weights."""

    parameters: str
    weights: str


def fingerprint(job: Job) -> Fingerprint:
    """Of a job that is made ready."""
    defaults = asdict(type(job.request)())  # left out, so that a new option changes no old hash
    request = {
        name: value
        for name, value in asdict(job.request).items()
        if name not in _LEFT_OUT and value != defaults[name]
    }
    if job.like is not None:
        request["face"] = "like:" + _digest_of(job.like)
    parameters = request | {"domain": job.domain.name if job.domain else None} | _reference(job)
    return Fingerprint(_short(parameters), _short(job.weights))


def _reference(job: Job) -> dict[str, Any]:
    """The reference itself, or how it is chosen and among which."""
    from hasnet_models.avatar.request import RANDOM

    if job.fixed is not None:
        return {"palette": _digest_of(job.fixed.palette), "z_id": _digest_of(job.fixed.z_id)}
    assert job.domain is not None
    seed = job.seed if job.request.reference == RANDOM else None
    vectors = "".join(_digest_of(r.palette) + _digest_of(r.z_id) for r in job.domain.references)
    return {"choice": job.request.reference or "likest", "seed": seed, "among": vectors}


def _digest_of(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def _short(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
