"""What a medium sees of a picture: it, its flow, its zones and its noise, at a bounded size.

Strokes, grain and broad light are found at `WORK` px of the side at most and brought to the
picture's own size band by band, so that time and memory stay in bounds at 4,000 px.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hasnet_models.medium import lic, scale, tangent_flow
from hasnet_models.medium.abstraction import guided
from hasnet_models.medium.scale import UNIT, Field
from hasnet_models.medium.tangent_flow import Flow
from hasnet_models.topology.zones import ZONES

WORK = 1024
PIXELS = 1 << 22
# how coarse strokes are in each zone: a painter's small brush is for eyes and lips
_COARSE = (0.85, 0.6, 0.5, 1.15, 1.3, 1.6)
_HAIR_WEIGHT = 3.0
_ZONE_WIDTH = 24.0
# a hand's direction: cells of its map in a frame, side of a place that shares one
_CELLS, _TURN, _TURN_LAYER = 32, 0.28, 70


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture at the size at which its strokes are found.

    Attributes:
        rgb: float32 (H, W, 3), 0..1.
        side: of the face's frame, px.
        maps: zone maps, float32 (6, h, w), or None.
        seed: of the noise.
        factor: how many px of the picture are one px of this scene.
    """

    rgb: Field
    side: float
    maps: Field | None
    seed: int
    factor: int = 1

    @classmethod
    def of(cls, rgb: np.ndarray, side: float, maps: Field | None, seed: int) -> Scene:
        """The scene of a picture of any size, shrunk by a whole factor where it is too large."""
        height, width = rgb.shape[:2]
        factor = math.ceil(max(side / WORK, (height * width / PIXELS) ** 0.5))
        return cls(scale.shrunk(rgb, factor), side / factor, maps, seed, factor)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.rgb.shape[:2]

    @cached_property
    def gray(self) -> Field:
        """Luma, float32 (H, W)."""
        return scale.luma(self.rgb)

    @cached_property
    def coarse(self) -> Field:
        """How coarse strokes are, float32 (H, W): 1 is a medium's own size."""
        if self.maps is None:
            return np.ones(self.shape, np.float32)
        return self._along_edges(_COARSE).clip(min(_COARSE), max(_COARSE))

    def zone(self, *names: str) -> Field:
        """How much each pixel is in the named zones, float32 (H, W), 0..1; 1 without maps."""
        if self.maps is None:
            return np.ones(self.shape, np.float32)
        return self._along_edges([float(name in names) for name in ZONES]).clip(0, 1)

    def fine(self, *names: str) -> Field:
        """As `zone`, but 0 without maps: for what is left out there."""
        return self.zone(*names) if self.maps is not None else np.zeros(self.shape, np.float32)

    def behind(self) -> Field:
        """How surely each pixel is of the ground behind the figure, float32 (H, W), 0..1."""
        return scale.smoothstep(self.fine("rest"), 0.3, 0.9)

    def mean(self, field: Field, *names: str) -> float:
        """Mean of a field (H, W) over the named zones; over all of it without maps."""
        weight = self.zone(*names)
        return float((field * weight).sum() / max(float(weight.sum()), 1e-6))

    def _along_edges(self, weights: Sequence[float]) -> Field:
        """Sum of weighted zone maps, float32 (H, W), with the picture's own borders."""
        summed = np.tensordot(np.array(weights, np.float32), self.maps, 1).astype(np.float32)
        return guided(self.gray, summed, self.side, _ZONE_WIDTH)

    def _face(self) -> tuple[float, float]:
        """Centre of the skin zone, as fractions of width and height."""
        skin = self.maps[0] + np.float32(1e-6)
        height, width = skin.shape
        x = float((skin.sum(0) * (np.arange(width) + 0.5)).sum() / skin.sum() / width)
        return x, float((skin.sum(1) * (np.arange(height) + 0.5)).sum() / skin.sum() / height)

    def px(self, length: float) -> float:
        """A length in px of a 512 px frame, in px of this scene."""
        return length * self.side / UNIT

    def strokes(self, flow: Flow, cell: float, length: float, layer: int) -> Field:
        """Strokes along a flow, mean 0, deviation 1; both lengths in px of a 512 px frame."""
        return lic.strokes(flow, self.side, cell, length, self.seed, layer)

    def flow(self, hand: float = tangent_flow.HAND, wander: float = 0.0) -> Flow:
        """The calm flow; where the picture gives no direction it is `hand` degrees, more or less
        by `wander` degrees from place to place, in hair circles around the face."""
        cells = tuple(max(2, round(length * _CELLS / self.side)) for length in self.shape)
        turns = scale.noise(cells, _CELLS, _TURN, self.seed, _TURN_LAYER)
        guide = tangent_flow.doubled_angle(np.float32(hand) + np.float32(wander) * turns)
        if self.maps is not None:
            hair = self.maps[ZONES.index("hair")]
            circles = tangent_flow.around(hair.shape, self._face())
            guide = scale.resize(guide, hair.shape)
            guide = guide + hair[..., None] * (np.float32(_HAIR_WEIGHT) * circles - guide)
        return tangent_flow.calm(self.gray, self.side, guide)
