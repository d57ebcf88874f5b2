"""What an evaluation wants of a system: one picture of a source and a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from hasnet_models.evaluation.inputs import Sample


class System(Protocol):
    """Something that is compared.

    Attributes:
        name: of its row and its folder.
        note: what of it is simplified, or how it came to be; "" for nothing.
    """

    name: str
    note: str

    def open(self, samples: Sequence[Sample]) -> None:
        """Load what is needed, and see whether it can make all of these.

        Raises:
            HasnetError: it cannot; its row says so.
        """

    def make(self, sample: Sample) -> np.ndarray:
        """Its picture, uint8 (S, S, 3) of any side, in the frame of the source.

        Raises:
            HasnetError: it cannot; its row says so.
        """


class Simple:
    """A system that needs nothing to be loaded."""

    name = ""
    note = ""

    def open(self, samples: Sequence[Sample]) -> None:
        """Nothing to do."""
