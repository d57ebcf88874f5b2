"""What a result depends on besides the photo, as two short hashes.

A photo that was done with the same bytes, the same parameters and the same weights need not be
done again. The runtime counts, since two of them differ in the last
bits; on which device it computes and how many photos it takes at once is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import LIKEST, RANDOM
from hasnet_models.face.choice import LIKE
from hasnet_models.plugins import Domain
from hasnet_models.plugins.reference import OPTIONAL, Reference
from hasnet_models.restoring.choice import OFF
from hasnet_models.runtimes.names import TORCH
from hasnet_models.topology.strength import Shaping
from hasnet_models.weights.digests import sha256_of

# What is in the job in another form, or does not change the result.
_LEFT_OUT = {
    "domain", "ref", "ref_face", "reference", "mix", "palette", "seed", "device", "runtime",
    "restore",
}  # fmt: skip


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
    request |= _materials(job) | _restoring(job)
    if job.pipeline.runtime_name != TORCH:  # which made all pictures before there were others
        request["runtime"] = job.pipeline.runtime_name
    if job.layer is not None:
        request["medium_table"] = job.layer.table()
    parameters = request | {"domain": job.domain.name if job.domain else None} | _reference(job)
    return Fingerprint(_short(parameters), _short(job.weights))


def _materials(job: Job) -> dict[str, str]:
    """What the look's files hold, in place of their names."""
    own, found = job.materials, {}
    if own.palette is not None:
        arrays = (own.palette.colours, own.palette.shares)
        found["own_palette"] = "".join(_digest_of(array) for array in arrays if array is not None)
    if own.background is not None:
        found["background"] = _digest_of(own.background)
    return found


def _restoring(job: Job) -> dict[str, str]:
    """What restores faces, a file by what it holds; its weights count as those of the networks."""
    choice, file = job.request.restore, job.request.restorer_file
    if file is not None:
        return {"restore": sha256_of(Path(file))}
    return {} if choice == OFF else {"restore": choice}


def _reference(job: Job) -> dict[str, Any]:
    """The reference itself, or how it is chosen and among which; and the domain's own numbers."""
    shaping = _shaping(job.domain)
    if job.fixed is not None:
        vectors = {name: _digest_of(array) for name, array in _arrays(job.fixed).items()}
        return vectors | shaping
    assert job.domain is not None
    seed = job.seed if job.request.reference == RANDOM else None
    among = "".join(
        _digest_of(array) for r in job.domain.references for array in _arrays(r).values()
    )
    return {"choice": job.request.reference or LIKEST, "seed": seed, "among": among} | shaping


def _arrays(reference: Reference) -> dict[str, np.ndarray]:
    """What there is; of a file of the first version the same as ever."""
    found = {name: getattr(reference, name) for name in ("palette", "z_id", *OPTIONAL)}
    return {name: array for name, array in found.items() if array is not None}


def _shaping(domain: Domain | None) -> dict[str, Any]:
    """What a domain brings besides its references, where it does."""
    if domain is None:
        return {}
    whole = {"shape": domain.reference_set.shape, "appearance": domain.reference_set.appearance}
    found: dict[str, Any] = {
        f"domain_{name}": _digest_of(array) for name, array in whole.items() if array is not None
    }
    return found | ({} if domain.shaping == Shaping() else {"shaping": asdict(domain.shaping)})


def _digest_of(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def _short(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
