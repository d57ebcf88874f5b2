"""The medium: what a picture is made in, found at full size by filters, not by networks.

Pure functions on float32 RGB pictures (H, W, 3), 0..1; OpenCV and NumPy do the filtering::

    from hasnet_models.medium import apply, presets

    drawn = apply(picture, presets()["sketch"], strength=0.8, zones=zones, seed=7)

`kinds` has the media by name, `fit` their parameters from reference pictures.
"""

from hasnet_models.medium.base import Band, Fields, Medium, bounded
from hasnet_models.medium.fit import Fit, fit
from hasnet_models.medium.kinds import KINDS, apply, from_table, presets, to_table
from hasnet_models.medium.scene import Scene

__all__ = [
    "KINDS",
    "Band",
    "Fields",
    "Fit",
    "Medium",
    "Scene",
    "apply",
    "bounded",
    "fit",
    "from_table",
    "presets",
    "to_table",
]
