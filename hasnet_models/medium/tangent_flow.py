"""The direction along which strokes are laid: along edges, calm where there are none.

The smoothed structure tensor stands for the edge tangent flow of Kang, Lee and Chui, "Coherent
line drawing" (NPAR 2007), as in Kyprianidis and Kang, "Image and video abstraction by coherence-
enhancing filtering" (Eurographics 2011). In flat skin or sky the tensor's direction is noise and
strokes become worms; directions are therefore averaged as double angles, from a near and from a
far neighbourhood, and what neither gives is one fixed direction, as a painter's hand has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hasnet_models.medium.scale import Field, blur, resize
from hasnet_models.opencv import cv2

SIDE = 256  # the flow is smooth: finer is never needed
_UNIT = 1 / 512  # gradients are per so much of the side
_PRE, _NEAR, _FAR, _LAST = 1.2 * _UNIT, 3.0 * _UNIT, 24.0 * _UNIT, 4.0 * _UNIT
_NEAR_FLOOR, _FAR_FLOOR, _REST = 0.0004**2, 0.0004, 0.12
HAND = -50.0  # degrees: how a right-handed painter lays strokes


@dataclass(frozen=True, eq=False)
class Flow:
    """Direction of every pixel.

    Attributes:
        x, y: float32 (H, W), unit tangent; its sign means nothing.
        edge: float32 (H, W), 0 where the direction is only the hand's, 1 on a clear edge.
    """

    x: Field
    y: Field
    edge: Field

    def shrunk(self, factor: int) -> Flow:
        """Every `factor`-th row and column."""
        planes = (plane[::factor, ::factor] for plane in (self.x, self.y, self.edge))
        return Flow(*(np.ascontiguousarray(plane) for plane in planes))

    def turned(self, degrees: float) -> Flow:
        """The same flow, every direction turned."""
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        c, s = np.float32(c), np.float32(s)
        return Flow(c * self.x - s * self.y, s * self.x + c * self.y, self.edge)


def fixed(shape: tuple[int, int], degrees: float) -> Flow:
    """One direction everywhere."""
    ones = np.ones(shape, np.float32)
    angle = np.radians(degrees)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return Flow(c * ones, s * ones, 0 * ones)


def calm(gray: Field, side: float, guide: Field) -> Flow:
    """The calm flow of a picture.

    Args:
        gray: luma, float32 (H, W), 0..1.
        side: of the face's frame, px.
        guide: double-angle vectors of the direction where the picture gives none, float32
            (h, w, 2) of any size; their length is their weight, 1 for an ordinary one.
    """
    doubled, edge = _doubled(gray, side, guide)
    height, width = gray.shape
    doubled = cv2.resize(doubled, (width, height), interpolation=cv2.INTER_LINEAR)
    edge = cv2.resize(edge, (width, height), interpolation=cv2.INTER_LINEAR)
    return Flow(*_halved(doubled[..., 0], doubled[..., 1]), edge)


def doubled_angle(degrees: Field | float) -> Field:
    """The double-angle vectors of directions, float32, of one more dimension at the end."""
    angle = np.float32(2) * np.radians(np.asarray(degrees, np.float32))
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def around(shape: tuple[int, int], centre: tuple[float, float]) -> Field:
    """Double-angle vectors of circles around a point, float32 (h, w, 2).

    Args:
        shape: (h, w).
        centre: column and row of the point, as fractions of w and h.
    """
    x = (np.arange(shape[1], dtype=np.float32)[None] + 0.5) / shape[1] - np.float32(centre[0])
    y = (np.arange(shape[0], dtype=np.float32)[:, None] + 0.5) / shape[0] - np.float32(centre[1])
    square = x * x + y * y + np.float32(1e-6)
    return np.dstack([(y * y - x * x) / square, -2 * x * y / square])


def _doubled(gray: Field, side: float, guide: Field) -> tuple[Field, Field]:
    """Double-angle vectors (h, w, 2) of the tangent, at a side of SIDE, and how sure they are."""
    scale = min(1.0, SIDE / side)
    small = resize(gray, tuple(max(1, round(length * scale)) for length in gray.shape))
    side = side * scale
    # the root brings out the strands of dark hair
    tensor = _tensor(np.sqrt(np.maximum(blur(small, _PRE * side), 0)), side)
    near, far = blur(tensor, _NEAR * side), blur(tensor, _FAR * side)
    strength, far_strength = _length(near), _length(far)
    sure = strength**2 / (strength**2 + np.float32(_NEAR_FLOOR))
    fair = (1 - sure) * far_strength / (far_strength + np.float32(_FAR_FLOOR))
    rest = (1 - sure - fair) + np.float32(_REST) * (1 - sure)
    guide = cv2.resize(guide, small.shape[::-1], interpolation=cv2.INTER_LINEAR)
    mixed = _unit(near, strength) * sure[..., None] + _unit(far, far_strength) * fair[..., None]
    mixed += rest[..., None] * guide
    return blur(mixed, _LAST * side), blur(sure, _LAST * side)


def _tensor(gray: Field, side: float) -> Field:
    """Double-angle vectors of the tangent times squared slope, slopes per 1/512 of the side."""
    unit = side * _UNIT / 8
    gx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=unit, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=unit, borderType=cv2.BORDER_REPLICATE)
    return np.dstack([gy * gy - gx * gx, -2 * gx * gy])


def _length(vectors: Field) -> Field:
    return np.sqrt(vectors[..., 0] ** 2 + vectors[..., 1] ** 2)


def _unit(vectors: Field, length: Field) -> Field:
    return vectors / np.maximum(length, np.float32(1e-12))[..., None]


def _halved(c: Field, s: Field) -> tuple[Field, Field]:
    """Unit vectors of half the angle of (c, s); a vector of no length gives (1, 0)."""
    length = np.sqrt(c * c + s * s)
    c = np.where(length > 1e-9, c / np.maximum(length, np.float32(1e-9)), np.float32(1))
    x = np.sqrt(np.maximum(0.5 * (1 + c), 0))
    y = np.copysign(np.sqrt(np.maximum(0.5 * (1 - c), 0)), s)
    return x, y
