"""Media of one material in the round: stone, metal, and the soft shading of computer animation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hasnet_models.medium import abstraction, ground, metal
from hasnet_models.medium.base import Band, Fields, Medium, bounded
from hasnet_models.medium.drawing import distant, gathered
from hasnet_models.medium.scale import Field, blur, luma, smoothstep, spread
from hasnet_models.medium.scene import Scene
from hasnet_models.opencv import cv2

_PATINA = (-0.9, 0.3, 0.1)
_BLOOD = (1.0, 0.15, -0.1)


def figure(scene: Scene) -> Field:
    """How much each pixel is of the figure, float32 (H, W), 0..1; clothes a little less."""
    if scene.maps is None:
        return scene.zone()
    head = smoothstep(scene.zone("skin", "lips", "eyes", "hair"), 0.3, 0.75)
    return np.maximum(head, np.float32(0.8) * scene.zone("below"))


def own_tint(rgb: Field, scene: Scene) -> Field:
    """The figure's mean colour at a luma of 1, float32 (1, 1, 3).

    Stone or bronze has one colour: hair, lips and eyes differ from skin in nothing but shape.
    """
    gray = np.maximum(luma(rgb), 0)
    weight = scene.zone("skin") * gray
    total = max(float((weight * gray).sum()), 1e-6)
    return (np.einsum("hw,hwc->c", weight, rgb)[None, None] / total).astype(np.float32)


def unified(rgb: Field, tint: Field, amount: Field) -> Field:
    """The picture with the colour `tint` at its own lightness, as far as `amount` (H, W) says."""
    gray = luma(rgb) * amount
    return rgb * spread(1 - amount) + cv2.merge([gray * share for share in tint.ravel()])


def one_albedo(gray: Field, scene: Scene, amount: float) -> Field:
    """What to add to give the figure one albedo, float32 (H, W).

    Dark hair, brows and irises are no darker in stone or bronze than skin is; what remains is
    form. Broad light is made even along the edges, and the darks of the eyes are raised.
    """
    lift = abstraction.even(gray, scene.side, 30.0, scene.mean(gray, "skin"))
    lift *= figure(scene) - np.float32(0.65) * scene.fine("skin")
    around = blur(gray, scene.px(12.0))
    iris = np.maximum(around - gray, 0) * scene.fine("eyes")
    return np.float32(amount) * (lift + np.float32(0.5) * iris)


@dataclass(frozen=True)
class Stone(Medium):
    """Carved stone: one colour, one albedo, mineral grain and pores under a low light.

    Attributes:
        width, tolerance: of the smoothing. even: how much of the differences of dark hair and
            light skin, which stone does not have, is taken out. unify: the same of colours.
        model: contrast of the forms. carve: light on the form's own relief.
        grain: size of the crystals. mineral: how much they show. pits: how deep pores are.
    """

    kind: ClassVar[str] = "stone"
    width: float = bounded(4.0, 1.0, 16.0, fitted=False)
    tolerance: float = bounded(0.06, 0.01, 0.4, fitted=False)
    even: float = bounded(0.8, 0.0, 1.0, fitted=False)
    unify: float = bounded(0.9, 0.0, 1.0, fitted=False)
    model: float = bounded(0.8, 0.0, 1.5)
    carve: float = bounded(0.5, 0.0, 2.0)
    grain: float = bounded(0.8, 0.5, 4.0)
    mineral: float = bounded(0.016, 0.0, 0.08)
    pits: float = bounded(0.1, 0.0, 0.4)

    def fields(self, scene: Scene) -> Fields:
        flat = abstraction.flattened(scene.rgb, scene.side, self.width, self.tolerance, 3)
        smooth = flat.of(scene.rgb)
        gray = luma(smooth)
        lift = one_albedo(gray, scene, self.even)
        light = lift + self._form(gray + lift, scene) + self._surface(scene)
        return {
            "gain": flat.gain,
            "shift": flat.shift,
            "light": light,
            "tint": own_tint(smooth, scene),
            "unify": np.float32(self.unify) * figure(scene),
        }

    def _form(self, gray: Field, scene: Scene) -> Field:
        """Contrast of what is left when the albedo is one, and a light from the side on it."""
        modelled = gray - blur(gray, scene.px(14.0))
        carved = np.tanh(12 * ground.lit(blur(gray, scene.px(1.6)), scene.side))
        form = np.float32(self.model) * modelled + np.float32(0.1 * self.carve) * carved
        return form * figure(scene)

    def _surface(self, scene: Scene) -> Field:
        minerals = ground.minerals(scene.shape, scene.side, self.grain, scene.seed)
        pores = ground.pores(scene.shape, scene.side, 2.2, scene.seed)
        slopes = ground.lit(-blur(pores, scene.px(0.7)), scene.side)
        pitted = np.float32(self.pits) * (slopes - np.float32(0.6) * pores)
        surface = np.float32(self.mineral) * minerals + pitted * np.clip(scene.coarse, 0.3, 1.1)
        # the ground behind a bust is seldom of its stone
        return surface * (np.float32(0.35) + np.float32(0.65) * figure(scene))

    def lay(self, band: Band) -> Field:
        f = band.fields
        base = abstraction.relit(f["gain"] * band.rgb + f["shift"], f["light"])
        return unified(base, f["tint"], f["unify"])


@dataclass(frozen=True)
class Metal(Medium):
    """Cast and polished metal: one colour, mirrored lights, broad highlights, a little patina.

    Attributes:
        width, tolerance, even, unify, model: as of stone. polish: how much the surface mirrors.
        shine: of highlights. broad: their width. deep: how much darker the metal is between them.
        patina: stains of oxide. grain: of the casting.
    """

    kind: ClassVar[str] = "metal"
    width: float = bounded(7.5, 1.0, 16.0, fitted=False)
    tolerance: float = bounded(0.14, 0.01, 0.4, fitted=False)
    even: float = bounded(0.45, 0.0, 1.0, fitted=False)
    unify: float = bounded(0.9, 0.0, 1.0, fitted=False)
    model: float = bounded(0.6, 0.0, 1.5)
    polish: float = bounded(0.85, 0.0, 2.0)
    shine: float = bounded(0.5, 0.0, 1.0, fitted=False)
    broad: float = bounded(5.0, 2.0, 16.0)
    deep: float = bounded(0.05, 0.0, 0.5, fitted=False)
    patina: float = bounded(0.015, 0.0, 0.15, fitted=False)
    grain: float = bounded(0.01, 0.0, 0.05)

    def fields(self, scene: Scene) -> Fields:
        flat = abstraction.flattened(scene.rgb, scene.side, self.width, self.tolerance, 4)
        smooth = flat.of(scene.rgb)
        gray = luma(smooth)
        body = figure(scene)
        lift = one_albedo(gray, scene, self.even)
        form = blur(gray + lift, scene.px(1.5))
        stains = ground.octaves(scene.shape, scene.side, 80.0, 4, scene.seed, 2)
        grain = ground.paper(scene.shape, scene.side, 1.2, scene.seed)
        modelled = np.float32(self.model) * (form - blur(form, scene.px(14.0)))
        form = form + modelled
        mirrored = modelled + metal.mirrored(form, scene.mean(form, "skin"), self.polish)
        return {
            "gain": flat.gain,
            "shift": flat.shift,
            "light": lift + (mirrored + np.float32(self.grain) * grain) * body,
            "tint": own_tint(smooth, scene),
            "unify": np.float32(self.unify) * body,
            "shine": metal.highlights(form, scene.side, self.broad) * body,
            "patina": np.float32(self.patina) * stains * body,
        }

    def lay(self, band: Band) -> Field:
        f = band.fields
        base = abstraction.relit(f["gain"] * band.rgb + f["shift"], f["light"])
        base = unified(base, f["tint"], f["unify"])
        deep = np.float32(1 - self.deep) * metal.deepened(base, 1.2)
        base += spread(f["unify"]) * (deep - base)
        # a highlight on metal has the metal's colour, with a little white on top
        glint = np.float32(0.6 * self.shine) * f["tint"].ravel() + np.float32(0.4 * self.shine)
        shine = cv2.merge([f["shine"] * share for share in glint])
        stains = cv2.merge([f["patina"] * np.float32(share) for share in _PATINA])
        return base + shine * (1 - np.clip(base, 0, 1)) + stains


@dataclass(frozen=True)
class SoftShading(Medium):
    """Computer animation: smooth skin, deep soft light, warm borders of shadow, clear eyes.

    Attributes:
        width, tolerance: of the smoothing. contrast: of the broad light. occlusion: darkness of
            hollows. blood: warmth where light turns to shadow. shine: of soft highlights.
        chroma: colours times so much. eyes: sharpness of the eyes. clumps: how much hair is
            gathered into locks. depth: how much the ground is out of focus.
    """

    kind: ClassVar[str] = "soft-shading"
    width: float = bounded(6.0, 1.0, 16.0, fitted=False)
    tolerance: float = bounded(0.09, 0.01, 0.4, fitted=False)
    contrast: float = bounded(0.15, 0.0, 0.6)
    occlusion: float = bounded(0.5, 0.0, 2.0)
    blood: float = bounded(0.04, 0.0, 0.15, fitted=False)
    shine: float = bounded(0.12, 0.0, 0.5, fitted=False)
    chroma: float = bounded(1.08, 0.5, 2.0, fitted=False)
    eyes: float = bounded(0.6, 0.0, 2.0, fitted=False)
    clumps: float = bounded(0.7, 0.0, 1.0, fitted=False)
    depth: float = bounded(0.8, 0.0, 1.0, fitted=False)

    def fields(self, scene: Scene) -> Fields:
        flat = abstraction.flattened(scene.rgb, scene.side, self.width, self.tolerance, 4)
        smooth, flow = flat.of(scene.rgb), scene.flow()
        gray = luma(smooth)
        skin = scene.zone("skin", "lips")
        broad = blur(gray, scene.px(28.0))
        hollow = np.minimum(gray - blur(gray, scene.px(7.0)), 0)
        form = blur(gray, scene.px(3.0))
        level = max(scene.mean(form, "skin", "lips"), 0.05)
        shadow, light = (
            smoothstep(form, 0.35 * level, 0.7 * level),
            smoothstep(form, 0.8 * level, 1.15 * level),
        )
        terminator = shadow * (1 - light)
        hair = gathered(smooth, scene, flow, self.clumps)
        return {
            "gain": flat.gain,
            "shift": flat.shift + hair + distant(smooth, scene, self.depth, 6.0),
            "light": np.float32(self.contrast) * (broad - np.float32(broad.mean()))
            + np.float32(self.occlusion) * hollow * skin,
            "blood": np.float32(self.blood) * terminator * skin,
            "shine": np.float32(self.shine) * metal.highlights(gray, scene.side, 5.0) * skin,
            "eyes": np.float32(self.eyes)
            * (scene.gray - blur(scene.gray, scene.px(2.5)))
            * scene.fine("eyes"),
        }

    def lay(self, band: Band) -> Field:
        f = band.fields
        flat = abstraction.chroma(f["gain"] * band.rgb + f["shift"], self.chroma)
        light = f["light"] + f["eyes"]
        flat += cv2.merge([light + np.float32(share) * f["blood"] for share in _BLOOD])
        return flat + spread(f["shine"]) * (1 - np.clip(flat, 0, 1))
