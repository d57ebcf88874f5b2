"""The source unchanged: what a system has to beat, and the best there is at keeping content."""

from __future__ import annotations

import numpy as np

from hasnet_models.evaluation.inputs import Sample
from hasnet_models.evaluation.systems.base import Simple


class Source(Simple):
    """Gives back the source."""

    name = "source"

    def make(self, sample: Sample) -> np.ndarray:
        return sample.source
