"""What a picture is made on or of: paper, canvas, stone, as height fields under a light.

Heights are sums of noise octaves (Perlin, "An image synthesizer", SIGGRAPH 1985) on lattices that
are fractions of the side; a low light on a height field is its slope (Blinn, "Simulation of
wrinkled surfaces", SIGGRAPH 1978).
"""

from __future__ import annotations

import numpy as np

from hasnet_models.medium.lic import strokes
from hasnet_models.medium.recent import recent
from hasnet_models.medium.scale import UNIT, Field, blur, noise
from hasnet_models.medium.tangent_flow import fixed
from hasnet_models.opencv import cv2

_LAYER = 40  # the noises of grounds, apart from those of strokes
_SLUB = 9  # threads' widths: how far one stays as thick
LIGHT = -125.0  # degrees: from the upper left


def unit(field: Field) -> Field:
    """The field brought to mean 0 and deviation 1."""
    field = field - field.mean()
    return field * np.float32(1 / max(float(field.std()), 1e-6))


@recent
def octaves(
    shape: tuple[int, int], side: float, cell: float, count: int, seed: int, layer: int = 0
) -> Field:
    """Noise of `count` octaves, the coarsest of cells of `cell` / 512 of the side.

    Returns:
        float32 (H, W), mean 0, deviation 1; each octave has 0.6 of the weight of the last.
    """
    total = np.zeros(shape, np.float32)
    for octave in range(count):
        size = cell / UNIT / 2**octave
        layer_noise = noise(shape, side, size, seed, _LAYER + 8 * layer + octave)
        total += np.float32(0.6**octave) * layer_noise
    return unit(total)


@recent
def paper(shape: tuple[int, int], side: float, grain: float, seed: int) -> Field:
    """Tooth of drawing paper: bumps of about `grain` / 512 of the side; mean 0, deviation 1."""
    fine = octaves(shape, side, 2.2 * grain, 2, seed, 1)
    return unit(blur(fine, 0.35 * grain * side / UNIT))


@recent
def fibres(shape: tuple[int, int], side: float, seed: int) -> Field:
    """Fibres of rice paper or silk: short threads in two directions; mean 0, deviation 1."""
    down, across = (
        strokes(fixed(shape, angle), side, 1.6, 7.0, seed, _LAYER + 16 + layer)
        for layer, angle in enumerate((84.0, 3.0))
    )
    return unit(np.maximum(down, across))


@recent
def canvas(shape: tuple[int, int], side: float, thread: float, seed: int) -> Field:
    """Weave of threads `thread` / 512 of the side apart, as uneven as flax; mean 0, deviation 1."""
    pitch = thread * side / UNIT
    wander = octaves(shape, side, 60.0, 3, seed, 3) * np.float32(0.35 * pitch)
    columns, rows = (np.arange(n, dtype=np.float32) + np.float32(0.5) for n in shape[::-1])
    x = (columns[None] + wander) * np.float32(np.pi / pitch)
    y = (rows[:, None] - wander) * np.float32(np.pi / pitch)
    warp, weft = np.sin(x) ** 2, np.sin(y) ** 2
    down, across = _slubs(shape, side, thread, seed)
    return unit(np.maximum(down * warp * (1 - weft), across * weft * (1 - warp)))


def _slubs(shape: tuple[int, int], side: float, thread: float, seed: int) -> tuple[Field, Field]:
    """How thick threads are along their way, down and across, float32 (H, W) each, mean 1."""
    found = []
    for layer, way in enumerate(((1, _SLUB), (_SLUB, 1))):
        size = tuple(max(1, round(cells * thread * side / UNIT)) for cells in way)
        grain = noise(shape, side, thread / UNIT, seed, _LAYER + 70 + layer)
        found.append(1 + np.float32(0.5) * np.clip(unit(cv2.blur(grain, size)), -1.8, 1.8))
    return found[0], found[1]


@recent
def minerals(shape: tuple[int, int], side: float, grain: float, seed: int) -> Field:
    """Grain of stone: fine crystals in clouds; mean 0, deviation 1."""
    fine = octaves(shape, side, 3.0 * grain, 2, seed, 4)
    clouds = octaves(shape, side, 110.0, 4, seed, 5)
    return unit(fine * (1 + np.float32(0.35) * clouds) + np.float32(0.5) * clouds)


@recent
def pores(shape: tuple[int, int], side: float, size: float, seed: int) -> Field:
    """Pits of weathered stone, float32 (H, W): 0 on the surface, 1 in a pit."""
    field = unit(blur(noise(shape, side, size / UNIT, seed, _LAYER + 60), 0.5 * size * side / UNIT))
    where = octaves(shape, side, 90.0, 2, seed, 8)
    return np.clip((field + np.float32(0.35) * where - np.float32(1.75)) * np.float32(1.4), 0, 1)


def lit(height: Field, side: float, angle: float = LIGHT) -> Field:
    """Slope of a height field towards the light; a slope of 1 per 1/512 of the side gives 1.

    Args:
        height: float32 (H, W).
        side: px.
        angle: the light's direction in degrees, from +x over +y (down).
    """
    unit_step = side / UNIT / 2
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=1, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=1, borderType=cv2.BORDER_REPLICATE)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    # a slope that falls towards the light is bright
    return -(np.float32(c * unit_step) * dx + np.float32(s * unit_step) * dy)
