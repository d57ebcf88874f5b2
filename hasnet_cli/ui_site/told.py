"""What the page is told: domains and their references as numbers, faces of a photo as boxes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from hasnet_models.errors import HasnetError
from hasnet_models.face.types import AlignedFace
from hasnet_models.palette import hex_codes
from hasnet_models.plugins import Domain, Registry
from hasnet_models.plugins.media import medium_of
from hasnet_models.plugins.reference import Reference
from hasnet_models.topology.zone_names import ZONES

_LEAST = 0.04  # share of a zone from which a colour is shown there
_MOST = 5  # colours of a zone


def domains_of(registry: Registry) -> list[dict[str, Any]]:
    """Each domain that can be used, with its references; broken ones are left out."""
    found = []
    for domain in registry.domains:
        try:
            found.append(_domain(domain))
        except HasnetError:
            continue
    return found


def _domain(domain: Domain) -> dict[str, Any]:
    medium = medium_of(domain)
    return {
        "name": domain.name,
        "title": domain.title,
        "medium": medium.kind if medium else None,
        "licence": domain.licence,
        "references": [reference_facts(reference) for reference in domain.references],
    }


def reference_facts(reference: Reference) -> dict[str, Any]:
    """Name, colours, and of each zone its most frequent colours with their shares."""
    codes = hex_codes(reference.palette)
    zones: dict[str, list[tuple[str, float]]] = {}
    if reference.shares is not None:
        for zone, share in zip(ZONES, reference.shares.T, strict=True):
            order = np.argsort(-share, kind="stable")[:_MOST]
            shown = [i for i in order if share[i] > _LEAST]
            zones[zone] = [(codes[i], round(float(share[i]), 3)) for i in shown]
    return {"name": reference.name, "colours": codes, "zones": zones}


def boxes_of(faces: Iterable[AlignedFace]) -> list[list[float]]:
    """Left, top, width, height in pixels of the photo, in the order of the faces' numbers."""
    return [
        [round(float(v), 1) for v in (*face.face.box[:2], *(face.face.box[2:] - face.face.box[:2]))]
        for face in faces
        if face.face is not None
    ]
