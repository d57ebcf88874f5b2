from __future__ import annotations

import numpy as np
import pytest

from hasnet_models.medium import (
    abstraction,
    drawing,
    film,
    ground,
    hatching,
    lic,
    lines,
    metal,
    scale,
)
from hasnet_models.medium import tangent_flow as tangents
from hasnet_models.medium.kuwahara import kuwahara
from hasnet_models.medium.scene import Scene
from hasnet_models.topology.zone_names import ZONES

SIDE = 128


def guide(degrees: float) -> np.ndarray:
    return np.tile(tangents.doubled_angle(degrees), (4, 4, 1))


def step(dark: float = 0.2, light: float = 0.8) -> np.ndarray:
    """A vertical edge in the middle."""
    gray = np.full((SIDE, SIDE), dark, np.float32)
    gray[:, SIDE // 2 :] = light
    return gray


def rough(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((SIDE, SIDE), dtype=np.float32)


def angle_from(flow: tangents.Flow, degrees: float) -> np.ndarray:
    """Degrees between the flow and a direction, 0..90."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.degrees(np.arccos(np.clip(np.abs(flow.x * c + flow.y * s), 0, 1)))


def test_the_flow_runs_along_an_edge_and_as_the_hand_does_elsewhere():
    flow = tangents.calm(step(), SIDE, guide(-50))
    middle = slice(SIDE // 2 - 1, SIDE // 2 + 1)
    assert angle_from(flow, 90)[:, middle].max() < 5
    assert flow.edge[:, middle].min() > 0.6 > 0.05 > flow.edge[:, :8].max()
    flat = tangents.calm(np.full((SIDE, SIDE), 0.5, np.float32), SIDE, guide(-50))
    assert angle_from(flat, -50).max() < 0.1


def test_a_little_noise_in_flat_skin_does_not_turn_the_flow():
    skin = 0.6 + 0.004 * (rough() - 0.5)
    assert np.percentile(angle_from(tangents.calm(skin, SIDE, guide(-50)), -50), 95) < 25


def test_circles_have_their_tangents():
    around = tangents.around((9, 9), (0.5, 0.5))
    np.testing.assert_allclose(around[4, 8], tangents.doubled_angle(90), atol=1e-3)
    np.testing.assert_allclose(around[0, 4], tangents.doubled_angle(0), atol=1e-3)


@pytest.mark.parametrize("length", [0.5, 2.0, 9.0, 20.0])
def test_steps_compose_to_the_length(length):
    variance = sum(2 * step**2 / 3 for step in lic.steps(length))
    assert variance**0.5 == pytest.approx(length)


def test_strokes_lie_along_the_flow():
    drawn = lic.strokes(tangents.fixed((SIDE, SIDE), 0), SIDE, 4.0, 40.0, 3, 1)
    assert drawn.mean() == pytest.approx(0, abs=0.05)
    assert drawn.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(drawn, axis=1)).mean() < 0.3 * np.abs(np.diff(drawn, axis=0)).mean()


def test_strokes_have_no_sign_and_an_even_field_stays():
    flow = tangents.fixed((SIDE, SIDE), 30)
    back = tangents.fixed((SIDE, SIDE), 210)
    np.testing.assert_allclose(lic.along(rough(), flow, 6), lic.along(rough(), back, 6), atol=1e-4)
    even = np.full((SIDE, SIDE), 0.3, np.float32)
    np.testing.assert_allclose(lic.along(even, flow, 6), even, atol=1e-5)


def test_lines_lie_on_the_dark_side_of_edges_and_nowhere_else():
    gray = step()
    flow = tangents.calm(gray, SIDE, guide(0))
    line = lines.threshold(lines.differences(gray, flow, 1.4, 3.0), 50.0)
    assert line[:, SIDE // 2 - 1].max() < 0.5 < 0.99 < line[:, : SIDE // 4].min()
    assert line[:, SIDE * 3 // 4 :].min() > 0.99


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_an_even_ground_has_no_lines(level):
    gray = np.full((SIDE, SIDE), level, np.float32)
    difference = lines.differences(gray, tangents.fixed(gray.shape, 0), 1.4, 3.0)
    assert lines.threshold(difference, 60.0).min() > 0.999


def test_a_line_is_short_that_reaches_nowhere():
    difference = np.zeros((SIDE, SIDE), np.float32)
    difference[4, 3:9] = difference[20:60, 40] = -1
    short = lines.short(difference, -0.5, 10)
    assert short[4, 3:9].all() and short.sum() == 6


@pytest.mark.parametrize("zones", ["hair", "skin", None])
def test_dashes_within_hair_are_not_drawn_but_strands_are(zones):
    rgb = np.full((256, 256, 3), 0.8, np.float32)
    rgb[60:240, 100:103] = rgb[120:132, 160:163] = 0.2
    maps = np.zeros((len(ZONES), 32, 32), np.float32)
    maps[ZONES.index(zones or "rest")] = 1
    scene = Scene.of(rgb, 256.0, maps if zones else None, 0)
    found = drawing.strands(scene, tangents.fixed(scene.shape, 90), 1.9, 68.0)
    line = lines.threshold(found, 68.0)
    assert line[80:220, 101].max() < 0.3
    dash = line[115:137, 155:168].min()
    assert dash > 0.95 if zones == "hair" else dash < 0.3


def test_kuwahara_flattens_noise_and_keeps_edges():
    clean = scale.spread(step())
    noisy = clean + np.float32(0.1) * (scale.spread(rough()) - 0.5)
    flow = tangents.calm(scale.luma(clean), SIDE, guide(0))
    radius = np.full((SIDE, SIDE), 5.0, np.float32)
    out = kuwahara(noisy, flow, radius, 8.0)
    assert np.abs(out - clean).mean() < 0.5 * np.abs(noisy - clean).mean()
    assert out[:, SIDE // 2 + 2].mean() - out[:, SIDE // 2 - 3].mean() > 0.5


def test_kuwahara_leaves_an_even_picture():
    even = np.full((40, 30, 3), 0.37, np.float32)
    flow = tangents.fixed((40, 30), 20)
    out = kuwahara(even, flow, np.full((40, 30), 4.0, np.float32), 8.0)
    np.testing.assert_allclose(out, even, atol=1e-5)


def test_pigment_leaves_white_white_and_darkens_with_tone():
    texture = rough() * 2 - 1
    covers = [
        hatching.deposit(np.full_like(texture, tone), texture, 0.6) for tone in (0.0, 0.3, 0.7)
    ]
    assert covers[0].max() == 0
    assert covers[0].mean() < covers[1].mean() < covers[2].mean() <= 1
    assert covers[1].mean() == pytest.approx(0.3, abs=0.06)


def test_even_light_keeps_edges_and_comes_to_its_level():
    gray = step()
    lit = gray + abstraction.even(gray, SIDE, 40.0, 0.5)
    assert abs(lit[:, -8:].mean() - lit[:, :8].mean()) < 0.15
    assert lit.mean() == pytest.approx(0.5, abs=0.02)


def test_quantised_lightness_has_steps_and_soft_light_none():
    ramp = np.tile(np.linspace(0, 1, SIDE, dtype=np.float32), (SIDE, 1))
    steep = abstraction.quantised(ramp, 5, np.full_like(ramp, 8.0))
    np.testing.assert_allclose(abstraction.quantised(ramp, 5, np.ones_like(ramp)), ramp, atol=1e-5)
    near_a_step = np.abs(steep * 5 % 1 - 0.5) < 0.1
    assert near_a_step.mean() > 0.6
    assert np.all(np.diff(steep[0]) > -1e-4)
    assert (
        abstraction.flanks(ramp * 0.1, SIDE, 8.0).max() < abstraction.flanks(step(), SIDE, 8).max()
    )


def test_a_guided_field_follows_the_pictures_edge():
    gray = step()
    coarse = np.zeros((8, 8), np.float32)
    coarse[:, 4:] = 1
    field = abstraction.guided(gray, coarse, SIDE, 60.0)
    assert field[:, SIDE // 2 + 3].min() - field[:, SIDE // 2 - 4].max() > 0.6


def test_relit_keeps_the_hue():
    rgb = np.tile(np.array([0.6, 0.3, 0.15], np.float32), (4, 4, 1))
    out = abstraction.relit(rgb, np.full((4, 4), -0.1, np.float32))
    np.testing.assert_allclose(out / out[..., :1], rgb / rgb[..., :1], rtol=1e-5)
    assert scale.luma(out).mean() == pytest.approx(scale.luma(rgb).mean() - 0.1, abs=1e-4)


@pytest.mark.parametrize(
    "field",
    [
        lambda shape, side: ground.paper(shape, side, 1.6, 5),
        lambda shape, side: ground.canvas(shape, side, 3.2, 5),
        lambda shape, side: ground.fibres(shape, side, 5),
        lambda shape, side: ground.minerals(shape, side, 1.0, 5),
        lambda shape, side: ground.octaves(shape, side, 80.0, 4, 5),
    ],
)
def test_grounds_are_of_deviation_one_and_the_same_at_every_size(field):
    small, large = field((512, 512), 512), field((1024, 1024), 1024)
    for ground_field in (small, large):
        assert ground_field.mean() == pytest.approx(0, abs=1e-3)
        assert ground_field.std() == pytest.approx(1, abs=1e-3)
    shrunk = scale.blur(scale.resize(large, (512, 512)), 0.7)
    assert np.corrcoef(shrunk.ravel(), scale.blur(small, 0.7).ravel())[0, 1] > 0.85


def test_a_height_field_is_bright_where_it_falls_to_the_light():
    hill = np.zeros((SIDE, SIDE), np.float32)
    hill[:] = -np.abs(np.arange(SIDE) - SIDE / 2)
    lit = ground.lit(hill, SIDE, angle=180.0)
    assert lit[:, 20].mean() > 0 > lit[:, -20].mean()


def test_nothing_repeats():
    paper = ground.paper((512, 512), 512, 1.6, 2)
    halves = paper[:, :256], paper[:, 256:]
    assert abs(np.corrcoef(halves[0].ravel(), halves[1].ravel())[0, 1]) < 0.05
    other = ground.paper((512, 512), 512, 1.6, 3)
    assert abs(np.corrcoef(paper.ravel(), other.ravel())[0, 1]) < 0.05


def test_metal_has_broad_highlights_only():
    broad = np.zeros((SIDE, SIDE), np.float32) + 0.3
    broad[44:84, 44:84] = 0.7
    wrinkle = np.zeros((SIDE, SIDE), np.float32) + 0.3
    wrinkle[64, 20:100] = 0.7
    assert metal.highlights(broad, SIDE, 16.0).max() > 0.9
    assert metal.highlights(wrinkle, SIDE, 16.0).max() < 0.1


def test_grain_shows_most_in_the_mid_tones():
    shades = film.exposed(np.array([[0.0, 0.5, 1.0]], np.float32))[0]
    assert shades[1] > shades[0] and shades[1] > shades[2] > 0


def test_parts_are_rows_of_the_whole():
    field = rough()[:32, :24]
    whole = scale.part(field, 3, 70, slice(0, 96))
    assert whole.shape == (96, 70)
    for rows in (slice(0, 10), slice(31, 50), slice(90, 96)):
        np.testing.assert_allclose(scale.part(field, 3, 70, rows), whole[rows], atol=1e-5)


def test_shrinking_repeats_the_last_row():
    rgb = scale.spread(rough()[:5, :4])
    shrunk = scale.shrunk(rgb, 2)
    assert shrunk.shape == (3, 2, 3)
    np.testing.assert_allclose(shrunk[2, 0], rgb[4, :2].mean(0), atol=1e-6)
