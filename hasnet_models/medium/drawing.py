"""Media that are drawn: pencil, cel, ink on paper, face paint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hasnet_models.medium import abstraction, ground, hatching, lines
from hasnet_models.medium.base import Band, Fields, Medium, bounded, together
from hasnet_models.medium.lic import along
from hasnet_models.medium.scale import Field, blur, luma, smoothstep, spread
from hasnet_models.medium.scene import Scene
from hasnet_models.medium.tangent_flow import Flow
from hasnet_models.opencv import cv2
from hasnet_models.quantile import quantile

_DISTANCE = 20.0  # px: how far the colours of a simplified ground are spread
# px of a 512 px frame: what is no strand but a dash, and how near its outline hair keeps them
_DASH, _RIM = 45.0, 7.0
_FAINT = 0.15  # times a line's darkest: from here on it is seen
_INK = (0.1, 0.085, 0.08)
# Percentile of lightness that is bare paper, and the darkest it may be: with darker paper every
# picture would have a tone curve of its own, and dark skin come out as light as fair skin.
_PAPER, _DARKEST_PAPER = 0.9, 0.985


def two_widths(scene: Scene, flow: Flow, cell: float, length: float, layer: int) -> Field:
    """Strokes, finer at eyes and lips and coarser in hair and ground; mean 0, deviation near 1."""
    fine = scene.strokes(flow, 0.8 * cell, 0.7 * length, layer)
    if scene.maps is None:
        return fine
    broad = scene.strokes(flow, 1.7 * cell, 1.3 * length, layer + 1)
    share = np.clip((scene.coarse - np.float32(0.7)) / np.float32(0.9), 0, 1)
    mixed = fine * (1 - share) + broad * share
    return mixed / np.sqrt(share**2 + (1 - share) ** 2)


def paper_white(gray: Field) -> Field:
    """Lightness that is bare paper: nearly the picture's lightest, float32 (1, 1)."""
    white = quantile(gray[::4, ::4].ravel(), _PAPER)
    return np.full((1, 1), np.clip(white, _DARKEST_PAPER, 1), np.float32)


def gathered(rgb: Field, scene: Scene, flow: Flow, amount: float) -> Field:
    """What to add to gather hair into locks, float32 (H, W, 3); nothing without zones."""
    if scene.maps is None or not amount:
        return np.zeros_like(rgb)
    locks = along(rgb, flow, scene.px(8.0))
    locks = np.float32(1.8) * locks - np.float32(0.8) * blur(locks, scene.px(2.5))
    return spread(np.float32(amount) * scene.zone("hair")) * (locks - rgb)


def distant(rgb: Field, scene: Scene, amount: float, width: float) -> Field:
    """What to add to put the ground out of focus, float32 (H, W, 3); nothing without zones.

    A ground as the networks leave it has smears and streaks, which lines and flat colours would
    draw after. Only its own colours are spread: the figure leaves no halo.

    Args:
        rgb: float32 (H, W, 3), of the scene.
        amount: 0 leaves it, 1 is out of focus.
        width: deviation of the blur, in px of a 512 px frame.
    """
    if scene.maps is None or not amount:
        return np.zeros_like(rgb)
    rest = scene.behind()
    sigma = scene.px(width)
    far = blur(rgb * spread(rest), sigma) / spread(blur(rest, sigma) + np.float32(1e-4))
    return spread(np.float32(amount) * rest) * (far - rgb)


def outlines(scene: Scene, flow: Flow, sigma: float) -> Field:
    """Differences of Gaussians for lines, finer at eyes and lips."""
    gray = blur(scene.gray, scene.px(0.8))
    wide = lines.differences(gray, flow, scene.px(sigma), scene.px(5.0))
    if scene.maps is None:
        return wide
    fine = lines.differences(gray, flow, scene.px(0.7 * sigma), scene.px(3.0))
    share = scene.zone("eyes", "lips")
    return wide + share * (np.float32(1.15) * fine - wide)


def strands(scene: Scene, flow: Flow, sigma: float, sharpness: float) -> Field:
    """As :func:`outlines`, without short lines within hair: in flat colours they look like dirt."""
    found = outlines(scene, flow, sigma)
    if scene.maps is None:
        return found
    within = smoothstep(blur(scene.zone("hair"), scene.px(_RIM)), 0.7, 0.95)  # its outline stays
    return found * (1 - within * lines.short(found, -_FAINT / sharpness, scene.px(_DASH)))


def nearness(scene: Scene, depth: float) -> Field:
    """How much of its lines and steps each pixel keeps, float32 (H, W), 1 on the figure."""
    return 1 - np.float32(depth) * scene.behind()


@dataclass(frozen=True)
class Pencil(Medium):
    """Graphite on paper: strokes along the form and across it, lines, the paper's tooth.

    Attributes:
        width: of a stroke. length: of a stroke. hand: direction in flat parts, degrees.
        contrast: 0 stumped tone, 1 hard strokes. tooth: size of the paper's bumps.
        line: how dark outlines are. sigma: half their width. dark: darkness of graphite.
        colour: share of the picture's colours that stays.
    """

    kind: ClassVar[str] = "pencil"
    width: float = bounded(1.1, 0.5, 4.0)
    length: float = bounded(9.0, 2.0, 40.0)
    hand: float = bounded(-55.0, -90.0, 90.0, fitted=False)
    contrast: float = bounded(0.4, 0.0, 1.0)
    tooth: float = bounded(1.6, 0.5, 6.0, fitted=False)
    line: float = bounded(0.6, 0.0, 1.0)
    sigma: float = bounded(1.3, 0.5, 4.0)
    dark: float = bounded(0.9, 0.3, 1.0)
    colour: float = bounded(0.3, 0.0, 1.0, fitted=False)

    def fields(self, scene: Scene) -> Fields:
        flow = scene.flow(self.hand)
        across = flow.turned(38.0)
        return {
            "edge": np.maximum(flow.edge, scene.fine("hair")),
            "contrast": self.contrast * np.minimum(0.05 + 0.8 * scene.coarse, 1.1),
            "white": paper_white(scene.gray),
        } | together(
            first=lambda: two_widths(scene, flow, self.width, self.length, 1),
            second=lambda: two_widths(scene, across, self.width, self.length, 3),
            tooth=lambda: ground.paper(scene.shape, scene.side, self.tooth, scene.seed),
            line=lambda: outlines(scene, flow, self.sigma),
        )

    def lay(self, band: Band) -> Field:
        f, gray = band.fields, luma(band.rgb)
        tone = np.clip((1 - gray / f["white"]) * np.float32(1.1) - np.float32(0.03), 0, 1)
        strokes = hatching.layered(tone, f["first"], f["second"], f["edge"])
        texture = np.float32(0.88) * strokes + np.float32(0.48) * f["tooth"]
        cover = hatching.deposit(np.float32(self.dark) * tone, texture, f["contrast"])
        line = np.float32(self.line) * (1 - lines.threshold(f["line"], 50.0))
        line = np.clip(line * (1 + np.float32(0.15) * texture), 0, 0.95)
        paper = 1 - np.float32(0.012) * (1 + f["tooth"])
        drawn = paper * (1 - cover) * (1 - line) - np.float32(self.colour) * gray
        return spread(drawn) + np.float32(self.colour) * band.rgb


@dataclass(frozen=True)
class Cel(Medium):
    """Flat colours with a few tones, and outlines: drawn animation.

    Attributes:
        width, tolerance: of the smoothing. bins: lightnesses. steps: how much they count.
        line: how dark outlines are. sigma: half their width. sharpness: of their flanks.
        chroma: colours times so much. even: how much of the broad light on skin is taken out.
        clumps: how much hair is gathered into locks. depth: how much the ground is simplified.
    """

    kind: ClassVar[str] = "cel"
    width: float = bounded(7.0, 1.0, 16.0, fitted=False)
    tolerance: float = bounded(0.12, 0.01, 0.4, fitted=False)
    bins: float = bounded(7.0, 3.0, 20.0)
    steps: float = bounded(0.65, 0.0, 1.0)
    line: float = bounded(0.85, 0.0, 1.0)
    sigma: float = bounded(1.4, 0.5, 4.0)
    sharpness: float = bounded(50.0, 5.0, 150.0)
    chroma: float = bounded(1.12, 0.5, 2.0, fitted=False)
    even: float = bounded(0.15, 0.0, 0.8, fitted=False)
    clumps: float = bounded(0.85, 0.0, 1.0, fitted=False)
    depth: float = bounded(0.85, 0.0, 1.0, fitted=False)

    def fields(self, scene: Scene) -> Fields:
        flow = scene.flow()
        flat = abstraction.flattened(scene.rgb, scene.side, self.width, self.tolerance, 3)
        smooth = flat.of(scene.rgb)
        far, near = distant(smooth, scene, self.depth, _DISTANCE), nearness(scene, self.depth)
        gray = luma(smooth + far)
        lift = np.float32(self.even) * abstraction.even(
            gray, scene.side, 40.0, scene.mean(gray, "skin")
        )
        gray = along(blur(gray, scene.px(1.5)), flow, scene.px(6.0))
        return {
            "gain": flat.gain,
            "shift": flat.shift + gathered(smooth, scene, flow, self.clumps) + far,
            "gray": gray,
            "lift": lift * scene.zone("skin", "lips", "eyes"),
            "flank": 1 + (abstraction.flanks(gray, scene.side, 8.0) - 1) * near,
            "line": strands(scene, flow, self.sigma, self.sharpness) * near,
        }

    def lay(self, band: Band) -> Field:
        f = band.fields
        flat = abstraction.chroma(f["gain"] * band.rgb + f["shift"], self.chroma)
        gray = f["gray"] + f["lift"]
        tone = abstraction.quantised(gray, self.bins, f["flank"]) - gray
        flat += spread(np.float32(self.steps) * tone + f["lift"])
        line = 1 - np.float32(self.line) * (1 - lines.threshold(f["line"], self.sharpness))
        return flat * spread(line)


@dataclass(frozen=True)
class FacePaint(Cel):
    """Stage make-up: matt, even colours with clear borders, and lines of paint.

    Attributes:
        kohl: how much the darks about the eyes are deepened. rouge: colour added to the lips.
        powder: grain of the powder on skin.
    """

    kind: ClassVar[str] = "face-paint"
    width: float = bounded(6.0, 1.0, 16.0, fitted=False)
    tolerance: float = bounded(0.07, 0.01, 0.4, fitted=False)
    bins: float = bounded(9.0, 3.0, 20.0)
    steps: float = bounded(0.35, 0.0, 1.0)
    line: float = bounded(0.45, 0.0, 1.0)
    chroma: float = bounded(1.2, 0.5, 2.0, fitted=False)
    even: float = bounded(0.35, 0.0, 0.8, fitted=False)
    kohl: float = bounded(0.9, 0.0, 2.0, fitted=False)
    rouge: float = bounded(0.5, 0.0, 2.0, fitted=False)
    powder: float = bounded(0.006, 0.0, 0.05)

    def fields(self, scene: Scene) -> Fields:
        found = super().fields(scene)
        dark = np.minimum(scene.gray - blur(scene.gray, scene.px(10.0)), 0)
        grain = ground.paper(scene.shape, scene.side, 1.1, scene.seed)
        face = scene.zone("skin", "lips", "eyes")
        light = np.float32(self.kohl) * dark * scene.fine("eyes") + np.float32(self.powder) * (
            grain * face
        )
        return found | {"paint": light, "rouge": np.float32(self.rouge) * scene.fine("lips")}

    def lay(self, band: Band) -> Field:
        painted = super().lay(band) + spread(band.fields["paint"])
        return painted + spread(band.fields["rouge"]) * (painted - spread(luma(painted)))


@dataclass(frozen=True)
class Ink(Medium):
    """Brush and colour on paper: flat washes, lines that swell and thin out, fibres.

    Attributes:
        width, tolerance: of the smoothing. even: how much of the broad light is taken out.
        line: how dark lines are. sigma: half their width. swell: how much their width varies.
        sharpness: of their flanks. pigment: unevenness of washes. paper: light on the fibres.
        depth: how much the ground is simplified.
    """

    kind: ClassVar[str] = "ink"
    width: float = bounded(8.0, 1.0, 16.0, fitted=False)
    tolerance: float = bounded(0.14, 0.01, 0.4, fitted=False)
    even: float = bounded(0.5, 0.0, 0.8, fitted=False)
    line: float = bounded(0.95, 0.0, 1.0)
    sigma: float = bounded(1.8, 0.5, 4.0)
    swell: float = bounded(0.004, 0.0, 0.02)
    sharpness: float = bounded(60.0, 5.0, 150.0)
    pigment: float = bounded(0.16, 0.0, 0.5)
    paper: float = bounded(0.035, 0.0, 0.1)
    depth: float = bounded(0.85, 0.0, 1.0, fitted=False)

    def fields(self, scene: Scene) -> Fields:
        flow = scene.flow()
        flat = abstraction.flattened(scene.rgb, scene.side, self.width, self.tolerance, 4)
        smooth = flat.of(scene.rgb)
        far = distant(smooth, scene, self.depth, _DISTANCE)
        gray = luma(smooth + far)
        lift = np.float32(self.even) * abstraction.even(
            gray, scene.side, 40.0, scene.mean(gray, "skin")
        )
        found = together(
            pressure=lambda: scene.strokes(flow, 2.5, 14.0, 1),
            fibres=lambda: ground.fibres(scene.shape, scene.side, scene.seed),
            wash=lambda: ground.octaves(scene.shape, scene.side, 70.0, 5, scene.seed, 2),
            line=lambda: outlines(scene, flow, self.sigma),
        )
        wash, fibres = found["wash"], found["fibres"]
        return {
            "gain": flat.gain,
            "shift": flat.shift + far,
            "lift": lift * scene.zone("skin", "lips", "eyes"),
            # without an edge to follow, pressure alone would draw scratches
            "line": (found["line"] - np.float32(self.swell) * flow.edge * found["pressure"])
            * nearness(scene, self.depth),
            "wash": wash + np.float32(0.4) * fibres,
            "paper": ground.unit(fibres + np.float32(0.8) * wash),
        }

    def lay(self, band: Band) -> Field:
        f = band.fields
        flat = f["gain"] * band.rgb + f["shift"] + spread(f["lift"])
        density = -np.log(np.clip(flat, 0.02, 1.0))
        washed = np.exp(-density * spread(1 + np.float32(self.pigment) * f["wash"]))
        washed *= spread(1 + np.float32(self.paper) * f["paper"])
        # `swell` lifts the level with it, so that an even ground stays free of lines
        line = lines.threshold(f["line"], self.sharpness, -1.5 * self.swell)
        line = np.float32(self.line) * (1 - line)
        ink = cv2.merge([np.float32(share) * line for share in _INK])
        return washed * spread(1 - line) + ink
