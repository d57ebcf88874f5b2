"""The metrics of an evaluation against slow literal references and closed cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hasnet_models.errors import WeightsError
from hasnet_models.evaluation import classifier, content, features, inception
from hasnet_models.evaluation.bootstrap import mean_interval, normal_interval
from hasnet_models.evaluation.colour_distance import colour_distance
from hasnet_models.evaluation.content import perceptual_distance, ssim_outside
from hasnet_models.evaluation.identity_distance import identity_distance
from hasnet_models.evaluation.landmarks import landmark_error
from hasnet_models.evaluation.sharpness import edge_energy
from hasnet_models.palette import extract
from hasnet_models.topology.mean_face import mean_face

pytest.importorskip("torchmetrics")
from hasnet_models.evaluation import fid as fids
from hasnet_models.evaluation import kid as kids


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def picture(rng, side=32):
    return rng.integers(0, 256, (side, side, 3), dtype=np.uint8)


# ------------------------------------------------------------------------------------- identity


def test_identity_distance_is_ten_times_one_minus_cosine(rng):
    a, b = rng.normal(size=(2, 8))
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    lengths = sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5
    assert identity_distance(a, b) == pytest.approx(10 * (1 - dot / lengths))
    assert identity_distance(a, 3 * a) == pytest.approx(0, abs=1e-12)
    assert identity_distance(a, -a) == pytest.approx(20)


# --------------------------------------------------------------------------------------- colour


def test_colour_distance_is_the_literal_mean_of_nearest_colours(rng):
    a, b = picture(rng), picture(rng) // 2
    first, second = extract(a).astype(float), extract(b).astype(float)

    def one_way(x, y):
        return sum(min(float(np.linalg.norm(p - q)) for q in y) for p in x) / len(x)

    expected = 10 * (one_way(first, second) + one_way(second, first)) / 2 / (255 * 3**0.5)
    assert colour_distance(a, b) == pytest.approx(expected)
    assert colour_distance(a, a) == 0 and colour_distance(a, b) == colour_distance(b, a)


# ------------------------------------------------------------------------------------------ FID


def literal_fid(real, fake):
    linalg = pytest.importorskip("scipy.linalg")
    means = [x.mean(0) for x in (real, fake)]
    covariances = [np.cov(x, rowvar=False) for x in (real, fake)]
    root = linalg.sqrtm(covariances[0] @ covariances[1])
    traces = np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root).real
    return float(((means[0] - means[1]) ** 2).sum() + traces)


def whitened(x):
    """The same rows moved and turned so that mean is 0 and covariance is the identity."""
    x = x - x.mean(0)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    return x @ vectors / values**0.5


def test_fid_of_a_set_with_itself_is_zero(rng):
    x = rng.normal(size=(40, 6))
    assert fids.fid(x, x) == pytest.approx(0, abs=1e-8)


def test_fid_of_known_gaussians_is_the_analytic_one(rng):
    a, b = whitened(rng.normal(size=(60, 3))), whitened(rng.normal(size=(50, 3)))
    scale, shift = np.array([2.0, 3.0, 0.5]), np.array([1.0, -2.0, 0.25])
    expected = (shift**2).sum() + ((scale - 1) ** 2).sum()
    assert fids.fid(a, b * scale + shift) == pytest.approx(expected, rel=1e-9)


def test_fid_is_the_literal_one(rng):
    a, b = rng.normal(size=(50, 5)), rng.normal(1, 2, size=(30, 5)) @ rng.normal(size=(5, 5))
    assert fids.fid(a, b) == pytest.approx(literal_fid(a, b), rel=1e-8)


@pytest.mark.parametrize("counts", [(50, 30), (7, 5)])
def test_the_interval_of_fid_stands_on_the_same_distance(rng, counts):
    """Also with fewer pictures than features, where covariances have no full rank."""
    a, b = (rng.normal(i, 1 + i, size=(n, 12)) for i, n in enumerate(counts))
    quick = fids._distance(*fids._centred(a), *fids._centred(b))
    assert quick == pytest.approx(fids.fid(a, b), rel=1e-6)
    low, high = fids.fid_interval(a, b, quick, seed=1)
    assert low < quick < high and (low, high) == fids.fid_interval(a, b, quick, seed=1)


# ------------------------------------------------------------------------------------------ KID


def literal_kid(real, fake):
    def k(x, y):
        return (float(x @ y) / len(x) + 1) ** 3

    def within(xs):
        n = len(xs)
        pairs = [k(xs[i], xs[j]) for i in range(n) for j in range(n) if i != j]
        return sum(pairs) / (n * (n - 1))

    across = [k(x, y) for x in real for y in fake]
    return 100 * (within(real) + within(fake) - 2 * sum(across) / len(across))


def test_kid_is_the_literal_one_and_the_same_for_the_same_seed(rng):
    a, b = rng.normal(size=(14, 4)), rng.normal(0.5, size=(14, 4))
    assert kids.kid(a, b) == pytest.approx(literal_kid(a, b), rel=1e-8)
    c = rng.normal(0.5, size=(20, 4))
    before = torch.random.get_rng_state()
    assert kids.kid(a, c, seed=3) == kids.kid(a, c, seed=3) != kids.kid(a, c, seed=4)
    assert torch.equal(before, torch.random.get_rng_state())


def test_kid_is_near_zero_for_one_distribution_and_large_for_two(rng):
    a, b, far = rng.normal(size=(80, 4)), rng.normal(size=(80, 4)), rng.normal(2, size=(80, 4))
    assert abs(kids.kid(a, b)) < 30 < kids.kid(a, far)
    low, high = kids.kid_interval(a, far, kids.kid(a, far))
    assert low < kids.kid(a, far) < high


def test_the_interval_of_kid_is_as_wide_as_new_pictures_would_move_it(rng):
    def drawn(count):
        return np.maximum(rng.normal(0.3, size=(count, 32)), 0) * rng.gamma(8, 1 / 8, (count, 1))

    real = drawn(30)
    spread = np.std([literal_kid_quick(real, drawn(20)) for _ in range(300)])
    ends = np.array([kids.kid_interval(real, drawn(20), 0.0, seed=i) for i in range(20)])
    assert 0.6 < np.ptp(ends, axis=1).mean() / (2 * 1.96 * spread) < 1.6


def test_the_interval_of_kid_passes_over_a_picture_that_was_drawn_alone(rng, monkeypatch):
    monkeypatch.setattr(kids, "normal_interval", lambda _, statistic, count, seed: statistic)
    statistic = kids.kid_interval(rng.normal(size=(6, 4)), rng.normal(size=(5, 4)), 0.0)
    assert np.isnan(statistic(np.zeros(5, int))) and np.isfinite(statistic(np.arange(5)))
    values = iter([1.0, np.nan, 3.0, np.nan])
    assert normal_interval(2.0, lambda _: next(values), 5, times=4) == pytest.approx(
        (2 - 1.96, 2 + 1.96), abs=1e-3
    )


def literal_kid_quick(real, fake):
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in
              (kids.kernel(real, real), kids.kernel(fake, fake))]  # fmt: skip
    return 100 * (sum(within) - 2 * kids.kernel(real, fake).mean())


# -------------------------------------------------------------------------------------- content


def layers_of(rng):
    return {layer: torch.from_numpy(rng.random((1, 3, 4, 4))) for layer in content.LAYERS}


def test_perceptual_distance_is_the_literal_one(rng):
    a, b = layers_of(rng), layers_of(rng)
    total = 0.0
    for layer in content.LAYERS:
        x, y = (z[layer][0].permute(1, 2, 0).reshape(-1, 3).numpy() for z in (a, b))
        each = [p / np.linalg.norm(p) - q / np.linalg.norm(q) for p, q in zip(x, y, strict=True)]
        total += np.mean([(d**2).sum() for d in each])
    assert perceptual_distance(a, b) == pytest.approx(total / len(content.LAYERS), rel=1e-6)
    assert perceptual_distance(a, a) == 0


def test_ssim_outside_passes_over_the_face(rng):
    rgb = picture(rng, 64)
    face, corner = rgb.copy(), rgb.copy()
    face[28:44, 28:36] = 0
    corner[:16, :16] = 0
    assert ssim_outside(rgb, rgb, None) == pytest.approx(1, abs=1e-6)
    assert ssim_outside(rgb, rgb, mean_face()) == pytest.approx(1, abs=1e-6)
    assert ssim_outside(corner, rgb, None) < 0.97 < ssim_outside(face, rgb, None)


# ------------------------------------------------------------------------ landmarks, sharpness


def test_landmark_error_is_in_distances_of_the_eyes():
    face = mean_face()
    eyes = np.linalg.norm(face[263, :2] - face[33, :2])
    moved = face.copy()
    moved[:, 0] += 0.25 * eyes
    assert landmark_error(face, face) == 0
    assert landmark_error(moved, face) == pytest.approx(0.25)


def test_edge_energy_of_a_ramp_is_its_slope_and_of_a_flat_picture_zero():
    ramp = np.repeat(np.arange(0, 128, 2, dtype=np.uint8)[None], 64, axis=0)
    assert edge_energy(np.full((16, 16, 3), 90, np.uint8)) == 0
    soft = edge_energy(np.repeat(ramp[..., None], 3, axis=2))
    steep = edge_energy(np.repeat(ramp[..., None] * 2 % 255, 3, axis=2))
    assert 0.5 < soft < 1.0 < steep  # L rises by about 0.8 a pixel


# ------------------------------------------------------------------------------------ bootstrap


def test_the_interval_of_a_mean_holds_it_and_has_no_width_for_equal_values(rng):
    values = rng.normal(3, 1, 400)
    low, high = mean_interval(values, seed=5)
    assert low < values.mean() < high and (low, high) == mean_interval(values, seed=5)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert mean_interval([2.0, 2.0]) == (2.0, 2.0) and mean_interval([2.0]) == (2.0, 2.0)


def test_a_normal_interval_lies_around_its_estimate(rng):
    values = rng.normal(size=100)
    low, high = normal_interval(7.0, lambda drawn: float(values[drawn].mean()), 100, times=400)
    assert (low + high) / 2 == pytest.approx(7)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.2)


# ----------------------------------------------------------------------------------- classifier


def test_the_classifier_tells_domains_apart_and_is_the_same_every_time(rng):
    centres = {"a": 0.0, "b": 4.0, "c": -4.0}
    fitted = {name: rng.normal(c, 1, size=(12, 6)) for name, c in centres.items()}
    tried = {name: rng.normal(c, 1, size=(9, 6)) for name, c in centres.items()}
    found, again = classifier.fit(fitted), classifier.fit(dict(reversed(fitted.items())))
    assert np.array_equal(found.weights, again.weights) and found.names == ("a", "b", "c")
    assert min(classifier.accuracy(found, tried).values()) > 0.8
    assert np.allclose(found.chances(tried["a"]).sum(1), 1)
    swapped = {"a": tried["b"], "b": tried["a"]}
    assert max(classifier.accuracy(found, swapped).values()) < 0.2


# ------------------------------------------------------------------------------------- features


def test_features_of_a_file_that_is_none_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="There is no file"):
        features.from_file(tmp_path / "none.pth", torch.device("cpu"))
    fake = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    torch.save({"a": torch.zeros(1)}, fake)
    with pytest.raises(WeightsError, match="sha256 differs"):
        features.from_file(fake, torch.device("cpu"))
    other = tmp_path / "other.pth"
    torch.save({"a": torch.zeros(1)}, other)
    with pytest.raises(WeightsError, match="perceptual features"):
        features.from_file(other, torch.device("cpu"))


def test_inception_has_the_published_tensors_and_reads_them(tmp_path):
    net = inception.InceptionV3()
    state = net.state_dict()
    assert sum(p.numel() for p in net.parameters()) == 21_785_568
    assert state["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    torch.save({**state, "fc.weight": torch.zeros(1008, 2048)}, tmp_path / "net.pth")
    again = inception.load_inception(tmp_path / "net.pth")
    x = torch.rand(1, 3, 75, 75) * 2 - 1
    with torch.no_grad():
        assert torch.equal(again(x), net.eval()(x)) and again(x).shape == (1, 2048)
    torch.save({}, tmp_path / "empty.pth")
    with pytest.raises(WeightsError, match="is not the InceptionV3"):
        inception.load_inception(tmp_path / "empty.pth")
