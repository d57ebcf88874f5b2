"""What a domain is made in: a medium that its author names, fitted to the references.

Which kind it is cannot be told from statistics of strokes and grain: these call photographs and
night pictures paint. They do tell how a named kind is to be set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hasnet_models.medium import Medium, fit, to_table
from hasnet_models.medium.scale import unit

PICTURES = 2  # that a fit looks at
EVALUATIONS = 12  # of settings: some seconds


def fitted_table(medium: Medium | None, crops: Sequence[np.ndarray]) -> dict[str, Any]:
    """The manifest's table of a medium after a short fit to pictures that are made in it.

    Args:
        medium: its kind, and the parameters to start from; None for none.
        crops: uint8 (S, S, 3), at least one; a few, spread evenly, are looked at.
    """
    if medium is None:
        return {}
    step = max(1, len(crops) // PICTURES)
    pictures = [unit(crop) for crop in crops[::step][:PICTURES]]
    return medium_table(fit(pictures, medium, evaluations=EVALUATIONS).medium)


def medium_table(medium: Medium | None) -> dict[str, Any]:
    """A medium's kind and what it has otherwise than its kind; empty for none."""
    if medium is None:
        return {}
    usual = to_table(type(medium)())
    table = to_table(medium)
    return {key: table[key] for key in table if key == "kind" or table[key] != usual[key]}
