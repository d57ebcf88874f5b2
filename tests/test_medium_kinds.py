from __future__ import annotations

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest

from hasnet_models.errors import UsageError
from hasnet_models.medium import (
    KINDS,
    Band,
    Medium,
    Scene,
    apply,
    bounded,
    from_table,
    laying,
    presets,
    scale,
    to_table,
)
from hasnet_models.opencv import cv2

DOMAINS = {
    *("photo", "night", "nir", "cartoon3d", "anime", "sketch", "caricature", "oil"),
    *("sculpture", "opera", "buddha", "avatar", "ancient"),
}


def face(side: int = 256, skin: float = 0.65, seed: int = 0) -> np.ndarray:
    """Something like a face: an oval before a ground, eyes, a mouth, shading, colour."""
    canvas = np.full((512, 512, 3), (0.35, 0.45, 0.6), np.float32)
    cv2.ellipse(canvas, (256, 240), (175, 215), 0, 0, 360, (0.2, 0.14, 0.1), -1)
    cv2.ellipse(canvas, (256, 285), (115, 155), 0, 0, 360, (skin, skin * 0.75, skin * 0.6), -1)
    for x in (205, 307):
        cv2.ellipse(canvas, (x, 250), (22, 10), 0, 0, 360, (0.95, 0.93, 0.9), -1)
        cv2.circle(canvas, (x, 250), 9, (0.15, 0.1, 0.08), -1)
    cv2.ellipse(canvas, (256, 375), (45, 14), 0, 0, 360, (0.6, 0.2, 0.2), -1)
    shade = np.linspace(1.1, 0.75, 512, dtype=np.float32)[None, :, None]
    canvas = cv2.GaussianBlur(canvas * shade, (0, 0), 1.5)
    noise = np.random.default_rng(seed).normal(0, 0.004, canvas.shape).astype(np.float32)
    return np.clip(scale.resize(canvas + noise, (side, side)), 0, 1)


def zone_maps() -> np.ndarray:
    """The zones of `face`: skin, lips, eyes, hair, below, rest."""
    maps = np.zeros((6, 128, 128), np.float32)
    cv2.ellipse(maps[3], (64, 60), (44, 54), 0, 0, 360, 1, -1)
    cv2.ellipse(maps[0], (64, 71), (29, 39), 0, 0, 360, 1, -1)
    cv2.ellipse(maps[1], (64, 94), (12, 4), 0, 0, 360, 1, -1)
    for x in (51, 77):
        cv2.ellipse(maps[2], (x, 62), (8, 5), 0, 0, 360, 1, -1)
    maps[0] -= maps[1] + maps[2]
    maps[3] = np.clip(maps[3] - maps[:3].sum(0), 0, 1)
    maps[4, 112:] = 1 - maps[:4, 112:].sum(0)
    maps[5] = 1 - maps.sum(0)
    return np.stack([scale.resize(zone, (32, 32)) for zone in maps])


@pytest.fixture(params=sorted(KINDS))
def medium(request) -> Medium:
    return KINDS[request.param]()


def test_strength_nothing_gives_the_picture_to_the_bit(medium):
    picture = face(64)
    picture[3, 4] = np.nan
    out = apply(picture, medium, 0.0)
    assert out.tobytes() == picture.tobytes() and out is not picture


def test_the_same_gives_the_same_bytes_and_strength_counts(medium):
    picture, zones = face(), zone_maps()
    first = apply(picture, medium, zones=zones, seed=3)
    assert first.tobytes() == apply(picture, medium, zones=zones, seed=3).tobytes()
    assert first.dtype == np.float32 and first.shape == picture.shape
    half = np.abs(apply(picture, medium, 0.5, zones, 3) - picture).mean()
    whole = np.abs(first - picture).mean()
    more = np.abs(apply(picture, medium, 1.5, zones, 3) - picture).mean()
    assert 0.002 < half < whole < more


@pytest.mark.parametrize("kind", ["pencil", "paint", "ink", "stone", "metal", "film", "face-paint"])
def test_the_seed_lays_other_strokes(kind):
    one, two = (apply(face(), KINDS[kind](), seed=seed) for seed in (1, 2))
    assert one.tobytes() != two.tobytes()


@pytest.mark.parametrize("with_zones", [False, True])
def test_sizes_look_alike_when_scaled(medium, with_zones):
    zones = zone_maps() if with_zones else None
    large = face(1536)
    small = scale.resize(large, (256, 256))
    of_small = apply(small, medium, zones=zones, seed=5)
    of_large = scale.resize(apply(large, medium, zones=zones, seed=5), (256, 256))
    effect = np.abs(of_small - small).mean()
    assert np.abs(of_small - of_large).mean() < max(0.4 * effect, 0.004)


def test_bands_leave_no_seams(medium, monkeypatch):
    for side, tolerance in ((512, 0.0), (1500, 1e-4)):
        picture = face(side)
        whole = apply(picture, medium)
        with monkeypatch.context() as patch:
            patch.setattr(laying, "_PIXELS", 37 * side)
            banded = apply(picture, medium)
        np.testing.assert_allclose(banded, whole, atol=tolerance)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 40, 3), np.float32),
        np.full((40, 1, 3), 0.4, np.float32),
        np.full((1, 1, 3), 0.7, np.float32),
        np.zeros((33, 20, 3), np.float32),
        np.ones((20, 33, 3), np.float32),
        np.full((16, 16, 3), np.nan, np.float32),
        np.linspace(-5, 9, 12 * 10 * 3, dtype=np.float32).reshape(12, 10, 3),
    ],
    ids=["1 px high", "1 px wide", "one px", "black", "white", "NaN", "out of range"],
)
@pytest.mark.parametrize("zones", [None, zone_maps()], ids=["no zones", "zones"])
def test_ugly_pictures(medium, picture, zones):
    out = apply(picture, medium, 1.5, zones)
    assert out.shape == picture.shape and np.isfinite(out).all()
    assert out.min() >= 0 and out.max() <= 1


def test_one_nan_spoils_no_more_than_its_place(medium):
    picture = face()
    spoilt = picture.copy()
    spoilt[10, 10] = np.nan
    apart = np.abs(apply(spoilt, medium) - apply(picture, medium)).max(-1)
    assert np.median(apart[128:]) < 0.01


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_an_even_picture_stays_calm(medium, level):
    picture = np.full((128, 128, 3), level, np.float32)
    out = apply(picture, medium, zones=zone_maps())
    assert abs(float(out.mean()) - level) < 0.12
    assert out.std() < 0.1


def test_dark_skin_stays_darker_than_light_skin(medium):
    zones = zone_maps()
    skin = scale.resize(zones[0], (256, 256)) > 0.95
    levels = [
        scale.luma(apply(face(skin=tone), medium, zones=zones))[skin].mean()
        for tone in (0.3, 0.5, 0.8)
    ]
    assert np.all(np.diff(levels) > 0.05)


@pytest.mark.parametrize("kind", ["pencil", "paint"])
def test_strokes_are_quieter_at_the_eyes_than_in_hair(kind):
    picture, zones = np.full((512, 512, 3), 0.5, np.float32), zone_maps()
    drawn = scale.luma(apply(picture, KINDS[kind](), zones=zones))
    eyes, hair = (scale.resize(zones[i], (512, 512)) > 0.9 for i in (2, 3))
    assert drawn[eyes].std() < 0.8 * drawn[hair].std()


def ground() -> np.ndarray:
    """The rows and columns of `zone_maps` at 256 px that are behind the figure alone."""
    return scale.resize(zone_maps()[5], (256, 256)) > 0.97


@pytest.mark.parametrize("kind", ["cel", "ink", "face-paint"])
def test_smears_of_the_ground_are_no_lines(kind):
    smeared = face()
    smeared[:, 8:20] *= 0.6
    calm, busy = (KINDS[kind](depth=depth) for depth in (1.0, 0.0))
    calm, busy = (scale.luma(apply(smeared, m, zones=zone_maps())) for m in (calm, busy))
    slopes = [np.abs(np.diff(drawn, axis=1))[ground()[:, 1:]] for drawn in (calm, busy)]
    assert np.percentile(slopes[0], 99) < 0.5 * np.percentile(slopes[1], 99)


def test_paint_without_colours_has_none():
    grey = scale.spread(scale.luma(face()))
    painted = apply(grey, KINDS["paint"](warmth=0.1))
    assert (painted.max(-1) - painted.min(-1)).max() < 0.02


def test_blotches_of_skin_are_painted_over():
    blotched, paint = face(), KINDS["paint"]
    cv2.circle(blotched, (128, 150), 12, (0.8, 0.25, 0.2), -1)
    at = []
    for blend in (0.0, 0.8):
        drawn = apply(blotched, paint(blend=blend), zones=zone_maps())[145:155, 123:133]
        at.append(float((drawn[..., 0] - drawn[..., 1]).mean()))
    assert at[1] < 0.6 * at[0]


def test_a_painter_s_hand_wanders():
    even = np.full((256, 256, 3), 0.6, np.float32)
    flow = Scene.of(even, 256, None, 3).flow(wander=38.0)
    turned = np.degrees(np.arctan2(flow.y, flow.x))
    assert np.ptp(np.percentile(turned, [5, 95])) > 30
    still = Scene.of(even, 256, None, 3).flow()
    np.testing.assert_allclose(still.x, np.cos(np.radians(50)), atol=1e-3)


def test_the_side_gives_the_size_of_strokes():
    picture = np.full((400, 400, 3), 0.5, np.float32)
    pencil = KINDS["pencil"](line=0.0)
    near = scale.luma(apply(picture, pencil, side=400))
    far = scale.luma(apply(picture, pencil, side=1600))
    fine, coarse = (np.abs(np.diff(g, axis=1)).mean() / g.std() for g in (near, far))
    assert coarse < 0.7 * fine


def test_memory_stays_bounded():
    picture = scale.resize(face(512), (3000, 3000)).clip(0, 1)
    tracemalloc.start()
    apply(picture, KINDS["film"]())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.5 * picture.nbytes


@pytest.mark.parametrize("side", [200, 700, 1500])
def test_bytes_in_bytes_out(side):
    picture = np.round(face(side) * 255).astype(np.uint8)
    given = picture.copy()
    out = apply(picture, KINDS["cel"](), zones=zone_maps(), seed=2)
    exact = apply(picture.astype(np.float32) / 255, KINDS["cel"](), zones=zone_maps(), seed=2)
    assert out.dtype == np.uint8 and (picture == given).all()
    assert np.abs(out - exact * 255).max() < 0.51
    assert apply(picture, KINDS["cel"](), 0.0).tobytes() == picture.tobytes()


def test_memory_of_bytes_is_a_share_of_what_floats_take():
    picture = np.full((3000, 3000, 3), 140, np.uint8)
    tracemalloc.start()
    apply(picture, KINDS["film"]())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * picture.nbytes  # a float32 picture alone is 4


@pytest.mark.parametrize("strength", [-0.1, 1.6, math.nan])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(UsageError, match="strength"):
        apply(face(16), KINDS["film"](), strength)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.float32),
        np.zeros((4, 4, 3), np.float64),
        np.zeros((0, 4, 3), np.float32),
    ],
)
def test_other_arrays_are_refused(picture):
    with pytest.raises(ValueError, match="float32"):
        apply(picture, KINDS["film"]())
    with pytest.raises(ValueError, match="zone maps"):
        apply(face(16), KINDS["film"](), zones=np.zeros((5, 8, 8), np.float32))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "pencl"}, "no medium 'pencl'.*'pencil' is near"),
        ({}, "no medium None"),
        ({"kind": 3}, "no medium 3"),
        ({"kind": "none", "line": 1.0}, "no medium 'none'"),
        ({"kind": "pencil", "lien": 0.5}, "no parameter 'lien'.*'line' is near"),
        ({"kind": "pencil", "line": 1.5}, "medium.line of 'pencil' is a number from 0 to 1"),
        ({"kind": "pencil", "line": "dark"}, "not 'dark'"),
        ({"kind": "pencil", "line": True}, "not True"),
        ({"kind": "pencil", "line": math.nan}, "not nan"),
    ],
)
def test_bad_tables_are_refused_in_one_sentence(table, words):
    with pytest.raises(UsageError, match=words) as caught:
        from_table(table)
    assert "\n" not in str(caught.value)


def test_tables_and_media_are_the_same_thing(medium):
    assert from_table(to_table(medium)) == medium
    assert from_table({"kind": "none"}) is None
    assert all(low <= getattr(medium, n) <= high for n, (low, high) in medium.bounds().items())
    assert hash(medium) == hash(dataclasses.replace(medium))


def test_each_domain_has_a_medium():
    assert set(presets()) == DOMAINS
    assert {medium.kind for medium in presets().values()} == set(KINDS)


@dataclasses.dataclass(frozen=True)
class Negative(Medium):
    """A kind of one's own."""

    kind = "negative"
    amount: float = bounded(1.0, 0.0, 1.0)

    def fields(self, scene):
        return {"gray": scene.gray}

    def lay(self, band: Band):
        assert band.fields["gray"].shape == band.rgb.shape[:2]
        return 1 - band.rgb


def test_a_kind_of_ones_own():
    own = from_table({"kind": "negative"}, {**KINDS, "negative": Negative})
    picture = face(600)
    np.testing.assert_allclose(apply(picture, own), 1 - picture, atol=1e-6)
