"""Colour transfer of Reinhard et al. 2001: mean and deviation of each channel of Lab."""

from __future__ import annotations

import numpy as np

from hasnet_models.evaluation.inputs import Sample
from hasnet_models.evaluation.systems.base import Simple
from hasnet_models.opencv import cv2


class Reinhard(Simple):
    """Gives the source the reference's statistics of colour."""

    name = "Reinhard"
    note = "Reinhard: in CIE Lab in place of the paper's l-alpha-beta."

    def make(self, sample: Sample) -> np.ndarray:
        source, reference = _lab(sample.source), _lab(sample.reference)
        scaled = (source - source.mean((0, 1))) / (source.std((0, 1)) + 1e-6)
        found = scaled * reference.std((0, 1)) + reference.mean((0, 1))
        rgb = cv2.cvtColor(found.astype(np.float32), cv2.COLOR_LAB2RGB)
        return np.round(rgb.clip(0, 1) * 255).astype(np.uint8)


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
