"""Paint on canvas: dabs of colour, the brush's relief, the weave where the paint is thin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hasnet_models.medium import abstraction, ground, lines
from hasnet_models.medium.base import Band, Fields, Medium, bounded, together
from hasnet_models.medium.drawing import outlines, two_widths
from hasnet_models.medium.forming import own_tint, unified
from hasnet_models.medium.kuwahara import kuwahara
from hasnet_models.medium.scale import Field, luma, smoothstep, spread
from hasnet_models.medium.scene import Scene
from hasnet_models.medium.tangent_flow import Flow
from hasnet_models.opencv import cv2

_WANDER = 38.0  # degrees
_CALM_GROUND = 0.6  # share of the strokes' light and colour that a ground does without
_COLOURED = 0.2  # greatest less least plane, of a pixel that has a colour
_BLOTCH = (0.06, 0.3)  # distance from the skin's own colour: none, all of one
_WARM = (1.0, 0.1, -0.9)


@dataclass(frozen=True)
class Paint(Medium):
    """Oil paint.

    Attributes:
        radius: of a dab. sharpness: of dabs (Kuwahara's q).
        width: of a bristle mark. length: of a stroke. drag: how far strokes drag edges.
        relief: light on the strokes' ridges; thick in the lights, thin in the darks.
        tone: how lightness varies from stroke to stroke. warmth: the same of warm and cool.
        line: how dark drawn outlines are. chroma: colours times so much.
        blend: how much blotches of another colour on skin are brought to the skin's own.
        weave: light on the canvas where the paint is thin. thread: distance of its threads.
    """

    kind: ClassVar[str] = "paint"
    radius: float = bounded(4.5, 1.0, 12.0)
    sharpness: float = bounded(8.0, 2.0, 16.0)
    width: float = bounded(3.8, 1.0, 10.0)
    length: float = bounded(13.0, 3.0, 60.0)
    drag: float = bounded(1.6, 0.0, 8.0)
    relief: float = bounded(0.045, 0.0, 0.2)
    tone: float = bounded(0.02, 0.0, 0.1)
    warmth: float = bounded(0.015, 0.0, 0.1, fitted=False)
    weave: float = bounded(0.02, 0.0, 0.1, fitted=False)
    line: float = bounded(0.0, 0.0, 1.0)
    chroma: float = bounded(1.0, 0.5, 2.0, fitted=False)
    blend: float = bounded(0.0, 0.0, 1.0, fitted=False)
    thread: float = bounded(3.2, 1.5, 8.0, fitted=False)

    def fields(self, scene: Scene) -> Fields:
        # nobody paints a whole ground in one direction
        flow = scene.flow(wander=_WANDER)
        quiet = np.minimum(scene.coarse ** np.float32(1.7), 1.5)
        quiet *= 1 - np.float32(_CALM_GROUND) * scene.behind()
        found = together(
            height=lambda: two_widths(scene, flow, self.width, self.length, 1),
            bristles=lambda: scene.strokes(flow, 0.45 * self.width, self.length, 5),
            load=lambda: two_widths(scene, flow, 2.2 * self.width, 1.2 * self.length, 9),
            weave=lambda: ground.canvas(scene.shape, scene.side, self.thread, scene.seed),
        )
        ridges = found["height"] + np.float32(0.35) * found["bristles"]
        dabs = kuwahara(scene.rgb, flow, scene.coarse * scene.px(self.radius), self.sharpness)
        if self.blend:
            dabs = _blended(dabs, scene, self.blend)
        # thin dark things, such as glasses, would break under a full pull
        pull = quiet * (1 - np.float32(0.75) * flow.edge)
        return {
            "dabs": _dragged(dabs, flow, found["height"] * pull, scene.px(self.drag)),
            "load": found["load"] * quiet,
            "relief": ground.lit(ridges, scene.side) * quiet,
            # it shows where a stroke left little paint
            "weave": ground.lit(found["weave"], scene.side) * smoothstep(-found["load"], -0.4, 1.6),
            "line": outlines(scene, flow, 1.3) if self.line else np.zeros((1, 1), np.float32),
        }

    def lay(self, band: Band) -> Field:
        f = band.fields
        dabs = abstraction.chroma(f["dabs"], self.chroma)
        if self.line:
            line = 1 - np.float32(self.line) * (1 - lines.threshold(f["line"], 50.0))
            dabs *= spread(line)
        gray = luma(dabs)
        light = np.float32(self.relief) * f["relief"] * (np.float32(0.35) + np.float32(0.9) * gray)
        light += np.float32(1.4 * self.weave) * f["weave"] * (1 - gray) ** 2
        light += np.float32(self.tone) * f["load"]
        # a painter who has no colours has no warm and cool ones either
        saturation = smoothstep(_colourfulness(dabs), 0.0, _COLOURED)
        warm = np.float32(self.warmth) * f["load"] * gray * saturation
        return dabs + cv2.merge([light + np.float32(share) * warm for share in _WARM])


def _colourfulness(rgb: Field) -> Field:
    """The greatest less the least plane of a picture (H, W, 3)."""
    red, green, blue = cv2.split(rgb)
    greatest = np.maximum(np.maximum(red, green), blue)
    return greatest - np.minimum(np.minimum(red, green), blue)


def _blended(rgb: Field, scene: Scene, amount: float) -> Field:
    """The picture (H, W, 3) with blotches on skin in the skin's own colour, as light as before."""
    tint = own_tint(rgb, scene)
    apart = np.abs(rgb - luma(rgb)[..., None] * tint).max(-1)
    blotch = smoothstep(apart, *_BLOTCH) * scene.fine("skin")
    return unified(rgb, tint, np.float32(amount) * blotch)


def _dragged(rgb: Field, flow: Flow, height: Field, amount: float) -> Field:
    """Colours taken from beside the flow, by the stroke's height: edges as bristles leave them."""
    columns = np.arange(rgb.shape[1], dtype=np.float32)[None]
    rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None]
    shift = np.float32(amount) * np.tanh(height)
    x, y = columns - shift * flow.y, rows + shift * flow.x
    return cv2.remap(rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
