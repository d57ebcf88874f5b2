"""Film: photographs, by day, at night, in near infrared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hasnet_models.medium import film
from hasnet_models.medium.base import Band, Fields, Medium, bounded
from hasnet_models.medium.scale import Field, blur, luma, spread
from hasnet_models.medium.scene import Scene


@dataclass(frozen=True)
class Film(Medium):
    """A photograph on film.

    Attributes:
        glow: light that spreads around bright places. spread: how far. red: its colour, 0 white,
            1 the red of colour film. grain: how much it shows. size: of its crystals.
        clarity: contrast of small forms. detail: sharpness; either is softer under 0.
        fade: darkness of the corners.
    """

    kind: ClassVar[str] = "film"
    glow: float = bounded(0.12, 0.0, 0.8, fitted=False)
    spread: float = bounded(9.0, 2.0, 40.0, fitted=False)
    red: float = bounded(0.3, 0.0, 1.0, fitted=False)
    grain: float = bounded(0.018, 0.0, 0.1)
    size: float = bounded(1.0, 0.5, 4.0)
    clarity: float = bounded(0.15, -0.5, 1.0)
    detail: float = bounded(0.4, -1.0, 2.0)
    fade: float = bounded(0.1, 0.0, 1.0, fitted=False)

    def fields(self, scene: Scene) -> Fields:
        gray = scene.gray
        small = gray - blur(gray, scene.px(1.4))
        forms = gray - blur(gray, scene.px(9.0))
        return {
            "glow": film.halation(scene.rgb, scene.side, self.spread),
            "light": np.float32(self.detail) * np.clip(small, -0.08, 0.08)
            + np.float32(self.clarity) * np.clip(forms, -0.12, 0.12),
            "grain": film.grain(scene.shape, scene.side, self.size, scene.seed),
            "fade": 1 - np.float32(self.fade) * film.corners(scene.shape),
        }

    def lay(self, band: Band) -> Field:
        f = band.fields
        halo = np.array([1.0, 1 - 0.75 * self.red, 1 - 0.9 * self.red], np.float32)
        lit = band.rgb + spread(f["light"])
        lit = 1 - (1 - np.clip(lit, 0, 1)) * (1 - np.float32(self.glow) * f["glow"] * halo)
        lit *= spread(f["fade"])
        gray = luma(np.clip(lit, 0, 1))
        return lit + spread(np.float32(self.grain) * film.exposed(gray) * f["grain"])
