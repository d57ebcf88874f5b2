"""The user's colours in palettes, shares, appearance maps, zone maps and lightness."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import make_reference
from hypothesis import given, settings
from hypothesis import strategies as st

from hasnet_models.controls.dye import LIFT, dyed_zones, kept, lift
from hasnet_models.controls.tint import (
    painted_map,
    shares_of,
    tinted,
    tinted_map,
    tinted_palette,
    tints,
)
from hasnet_models.controls.zone_choice import ZoneColour, parse_colours
from hasnet_models.lab import from_lab, to_lab
from hasnet_models.topology.zone_names import ZONES
from hasnet_models.topology.zones import even_shares, zone_maps

HAIR, LIPS = ZONES.index("hair"), ZONES.index("lips")
BLUE = parse_colours(["hair=#3060a0"])


def random_shares(seed: int) -> np.ndarray:
    shares = np.random.default_rng(seed).random((20, 6)).astype(np.float32) ** 4
    return shares / shares.sum(0)


def random_palette(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (20, 3), dtype=np.uint8)


def test_lab_goes_both_ways():
    colours = random_palette(1)
    assert np.abs(from_lab(to_lab(colours)).astype(int) - colours).max() <= 1


def test_tints_are_the_colour_darker_itself_and_lighter():
    dark, same, light = to_lab(tints(BLUE[0]))
    assert dark[0] + 10 < same[0] < light[0] - 10
    assert tuple(tints(BLUE[0])[1]) == BLUE[0].colour


def test_tints_stay_within_the_lightness_of_the_palette():
    for code in ("white", "black", "#3060a0"):
        (one,) = parse_colours([f"hair={code}"])
        lightness = to_lab(tints(one, (30.0, 60.0)))[:, 0]
        assert lightness.min() > 29 and lightness.max() < 61


def test_the_brightest_of_an_eye_stays_white():
    *_, white = to_lab(tints(ZoneColour("eyes", (20, 120, 40))))
    assert white[0] > 70 and np.hypot(white[1], white[2]) < 10


def test_a_zone_is_painted_in_its_tints_alone():
    palette, shares = random_palette(0), random_shares(0)
    after, found = tinted_palette(palette, shares, BLUE)
    places = np.flatnonzero(found[:, HAIR])
    assert len(places) == 3 and BLUE[0].colour in {tuple(c) for c in after[places].tolist()}
    assert not found[places][:, np.arange(6) != HAIR].any()
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


def test_the_least_used_colours_go_and_the_ends_stay():
    palette, shares = random_palette(2), random_shares(2)
    after, _ = tinted_palette(palette, shares, BLUE)
    gone = np.flatnonzero((after != palette).any(1))
    lightness = to_lab(palette)[:, 0]
    assert {int(lightness.argmin()), int(lightness.argmax())}.isdisjoint(gone)
    assert shares.sum(1)[gone].max() <= np.sort(shares.sum(1))[4]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.sets(st.sampled_from(ZONES)), st.booleans())
def test_any_colours_leave_sound_shares(seed, zones, even):
    colours = parse_colours(f"{zone}=#{seed:03d}" for zone in zones)
    palette = np.zeros((20, 3), np.uint8) if even else random_palette(seed)
    shares = even_shares(20) if even else random_shares(seed)
    after, found = tinted_palette(palette, shares, colours)
    assert after.shape == palette.shape and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-4)
    assert (found >= 0).all()


def test_a_reference_without_wishes_is_itself():
    reference = make_reference("a", 1)
    assert tinted(reference, ()) is reference
    np.testing.assert_allclose(shares_of(reference), 0.05)
    assert tinted(reference, BLUE).name == "a"


def test_a_map_takes_the_chroma_in_the_zone_and_keeps_its_lightness():
    rng = np.random.default_rng(0)
    before = rng.integers(90, 160, (48, 48, 3), dtype=np.uint8)
    after = to_lab(tinted_map(before, parse_colours(["lips=#cc2244"])))
    goal, lab = to_lab((0xCC, 0x22, 0x44)), to_lab(before)
    mouth, brow = (slice(33, 36), slice(20, 28)), (slice(4, 8), slice(20, 28))
    assert np.abs(after[mouth].mean((0, 1)) - goal)[1:].max() < 12
    pattern = [x[..., 0] - x[..., 0].mean() for x in (after, lab)]
    assert np.abs(pattern[0] - pattern[1]).mean() < 4
    assert np.abs(after[brow] - lab[brow])[..., 1:].max() < 4


def test_a_bright_map_shows_the_user_s_colour_too():
    bright = np.full((48, 48, 3), 250, np.uint8)
    brown = to_lab(tinted_map(bright, parse_colours(["skin=#70401c"])))[24, 14]
    assert np.abs(brown - to_lab((0x70, 0x40, 0x1C)))[1:].max() < 6


def test_a_map_is_painted_by_the_colours_of_its_zones():
    gray = np.full((48, 48, 3), 120, np.uint8)
    palette = np.tile(np.uint8([[200, 90, 90], [90, 90, 200]]), (10, 1))
    shares = np.zeros((20, 6), np.float32)
    shares[1::2] = 0.1
    shares[:, 0] = 0
    shares[::2, 0] = 0.1
    lab = to_lab(painted_map(gray, palette, shares))
    assert lab[24, 14, 1] > 20  # a cheek: red
    assert lab[34, 24, 2] < -10  # the mouth: blue
    assert np.ptp(lab[..., 0]) < 5


# --- where and how strongly


def fine() -> np.ndarray:
    """Zones that differ from the mean face's: all hair on the left."""
    zones = np.zeros((6, 64, 64), np.float32)
    zones[HAIR, :, :32] = 1
    zones[0, :, 32:] = 1
    return zones


def test_only_wished_zones_are_to_the_pixel():
    coarse = zone_maps(None)
    found = dyed_zones(coarse, fine(), BLUE)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-4)
    np.testing.assert_array_equal(found[HAIR], fine()[HAIR])
    assert found[LIPS].max() > 0.5 and found[HAIR, :, 40:].max() == 0


def test_a_zone_is_lifted_as_a_whole():
    dark = np.full((128, 128, 3), 30, np.uint8)
    found = lift(dark, fine(), parse_colours(["hair=#ffffff"]))
    own = float(to_lab((30, 30, 30))[0])
    np.testing.assert_allclose(found[:, :32], LIFT * (100 - own), atol=0.5)
    assert not found[:, 32:].any()


def test_a_zone_that_is_not_there_lifts_nothing():
    assert not lift(np.zeros((8, 8, 3), np.uint8), fine(), parse_colours(["lips=#fff"])).any()


@pytest.mark.parametrize(("keep", "share"), [(("hair",), 0.5), (("all",), 1), (("lips",), 0)])
def test_what_keeps_its_colours(keep, share):
    assert kept(fine(), keep).mean() == share
