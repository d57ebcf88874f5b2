"""The user's colours put into a reference: its palette and shares, and appearance maps.

RT-Net paints a zone in the colours whose shares are there, the darkest where the photo is darkest.
So a zone gets three tints of its colour, in the palette's least used places, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hasnet_models.controls.fine_zones import between_lids
from hasnet_models.controls.zone_choice import ZoneColour
from hasnet_models.lab import from_lab, to_lab
from hasnet_models.opencv import cv2
from hasnet_models.plugins.reference import Reference
from hasnet_models.topology.appearance import CORNER, EXTENT, SIDE
from hasnet_models.topology.zones import ZONES, even_shares, zone_maps

_EACH = 3  # tints
_SHADE = 0.6  # of the dark tint, as less light falls on it: Lab's cube roots shrink alike
_BLACK = 16.0  # what L lacks of such a cube root
_SHINE = 0.45  # share of white in the light tint
# What is bright in an eye is its white, which no colour of eyes is meant for.
_EYE_SHINE = 0.9
_MIDDLE = 60.0  # lightness at which most colours can be shown
_TONE = 15.0  # difference of lightness at which a colour of a palette counts much less
_MAP_ZONES = 64  # side at which the zones of the mean face are looked up


def tinted(reference: Reference, colours: Sequence[ZoneColour]) -> Reference:
    """The reference with which zones are painted in the user's colours."""
    if not colours:
        return reference
    palette, shares = tinted_palette(reference.palette, shares_of(reference), colours)
    return replace(reference, palette=palette, shares=shares)


def shares_of(reference: Reference) -> NDArray[np.float32]:
    """Shares (20, 6) of a reference's colours, even ones where nothing is known."""
    return even_shares(len(reference.palette)) if reference.shares is None else reference.shares


def tinted_palette(
    palette: NDArray[np.uint8], shares: NDArray[np.float32], colours: Sequence[ZoneColour]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Palette (20, 3) and shares (20, 6) with three tints for each colour.

    The darkest and the brightest colour stay, and tints lie between them, because the tone curve
    of the whole picture hangs on them; six zones take the other eighteen. What a colour that goes
    had of the other zones is shared among those left.
    """
    palette, shares = palette.copy(), shares.copy()
    places = iter(_least_used(palette, shares))
    chosen = [(one, [next(places) for _ in range(_EACH)]) for one in colours]
    lightness = to_lab(palette)[:, 0]
    span = float(lightness.min()), float(lightness.max())
    for one, spots in chosen:
        palette[spots] = tints(one, span)
        shares[spots] = 0
    shares = normalised(shares)
    for one, spots in chosen:
        zone = ZONES.index(one.zone)
        shares[:, zone] = 0
        shares[spots, zone] = 1 / len(spots)
    return palette, shares


def tints(one: ZoneColour, span: tuple[float, float] = (0, 100)) -> NDArray[np.uint8]:
    """(3, 3): the colour darker, as it is, and lighter; of eyes the lightest is their white.

    Args:
        span: least and largest lightness; what lies beyond is brought to it as light does.
    """
    lab, white = to_lab(one.colour), np.float32([100, 0, 0])
    shine = _EYE_SHINE if one.zone == "eyes" else _SHINE
    found = np.stack([lit(lab, _SHADE), lab, lab + shine * (white - lab)])
    light = found[:, :1] + _BLACK
    least, most = span
    return from_lab(lit(found, light.clip(least + _BLACK, most + _BLACK) / light))


def lit(lab: NDArray[np.float32], amount: NDArray | float) -> NDArray[np.float32]:
    """Lab colours (..., 3) under another light, whose cube root is `amount` times as large."""
    black = np.float32([_BLACK, 0, 0])
    return (lab + black) * amount - black


def tinted_map(appearance: NDArray[np.uint8], colours: Sequence[ZoneColour]) -> NDArray[np.uint8]:
    """An appearance map (48, 48, 3) whose zones have the user's chroma.

    The pattern of its lightness stays, and is all that counts (`networks.appearance.lay`): so the
    map moves to a middle lightness, where sRGB can show the colours.
    """
    lab = _at_middle(appearance)
    zones = map_zones()
    for one in colours:
        share = zones[ZONES.index(one.zone)][..., None]
        lab[..., 1:] += share * (to_lab(one.colour)[1:] - lab[..., 1:])
    return from_lab(lab)


def painted_map(
    appearance: NDArray[np.uint8], palette: NDArray[np.uint8], shares: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """An appearance map (48, 48, 3) in the colours of a palette, at a middle lightness.

    Each cell takes the chroma of those colours (20, 3) that its zone has by the shares (20, 6),
    most of all those of its own lightness.
    """
    tones, colours = to_lab(appearance)[..., :1], to_lab(palette)
    zones = np.einsum("zhw,nz->hwn", map_zones(), shares)
    apart = (tones - colours[:, 0]) / _TONE
    weights = (zones + 1e-3) * np.exp(-0.5 * np.minimum(apart**2, 80))
    lab = _at_middle(appearance)
    lab[..., 1:] = weights / weights.sum(2, keepdims=True) @ colours[:, 1:]
    return from_lab(lab)


def _at_middle(appearance: NDArray[np.uint8]) -> NDArray[np.float32]:
    lab = to_lab(appearance)
    lab[..., 0] += _MIDDLE - lab[..., 0].mean()
    return lab


@lru_cache
def map_zones() -> NDArray[np.float32]:
    """(6, 48, 48): the zones of the mean face where appearance maps have their cells.

    As those of `fine_zones`: brows are hair, and eyes lie between the lids.
    """
    zones = between_lids(zone_maps(None, side=_MAP_ZONES), None)
    places = CORNER[:, None] + EXTENT * (np.arange(SIDE) + 0.5) / SIDE
    x, y = np.meshgrid(*(places * _MAP_ZONES - 0.5).astype(np.float32))
    return np.stack([cv2.remap(zone, x, y, cv2.INTER_LINEAR) for zone in zones])


def normalised(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares (N, 6) whose columns sum to 1; a column of zeros becomes 1 / N."""
    sums = shares.sum(0)
    even = np.float32(1 / len(shares))
    return np.where(sums > 0, shares / np.where(sums > 0, sums, 1), even).astype(np.float32)


def _least_used(palette: NDArray[np.uint8], shares: NDArray[np.float32]) -> list[int]:
    """The places of the palette but its darkest and brightest, the least used first."""
    lightness = to_lab(palette)[:, 0]
    ends = {int(lightness.argmin()), int(lightness.argmax())}
    order = np.argsort(shares.sum(1), kind="stable").tolist()
    return [place for place in order if place not in ends]
