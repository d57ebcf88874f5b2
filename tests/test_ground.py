"""What stands behind a face does not decide the tone of its skin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hasnet_models import image_io
from hasnet_models.authoring.balance import lightness_of_reference
from hasnet_models.avatar.look import Look
from hasnet_models.face.types import AlignedFace
from hasnet_models.lab import to_lab
from hasnet_models.opencv import cv2
from hasnet_models.plugins.folder import open_domain
from hasnet_models.plugins.reference import Reference
from hasnet_models.topology.zone_names import ZONES

ROOT = Path(__file__).parents[1]
GROUNDS = (255, 128, 0)
MOST = 4.0  # measured: 1.4 of L*, 2.4 of chroma


def darkest(domain: str) -> list[Reference]:
    """The two references whose skin is darkest."""
    known = open_domain(ROOT / "domains" / f"hasnet-domain-{domain}").references
    return sorted(known, key=lightness_of_reference)[:2]


def before(face: AlignedFace, ground: int) -> AlignedFace:
    """The person before a plain ground, by the pipeline's own mask."""
    mask = cv2.resize(face.person, face.crop.shape[:2])[..., None]
    return replace(face, crop=np.uint8(np.rint(mask * face.crop + (1 - mask) * ground)))


def skin(face: AlignedFace, rgb: np.ndarray) -> np.ndarray:
    """Mean Lab of a picture in the face's skin zone."""
    weights = face.zones[ZONES.index("skin")] ** 2
    small = cv2.resize(rgb, weights.shape, interpolation=cv2.INTER_AREA)
    return (to_lab(small) * weights[..., None]).sum((0, 1)) / weights.sum()


@pytest.mark.slow
@pytest.mark.parametrize("domain", ["oil", "opera"])
def test_skin_is_as_light_before_white_gray_and_black(networks, domain):
    face = networks.crop(image_io.read(ROOT / "examples" / "astronaut.png"))[0]
    for reference in darkest(domain):
        faces = [before(face, ground) for ground in GROUNDS]
        made = networks.render_many(faces, [reference] * len(faces), None, Look(shape=0.0))
        lab = np.array([skin(face, steps.x_rt) for steps in made])
        lightness, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
        assert np.ptp(lightness) < MOST and np.ptp(chroma) < MOST
