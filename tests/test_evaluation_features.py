"""What FID, KID and ID x10 stand on: networks of files that only a user can have, and our own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_features import state_of

from hasnet_models.errors import WeightsError
from hasnet_models.evaluation import features, inception
from hasnet_models.evaluation.judge import Judge, compared
from hasnet_models.evaluation.rows import columns_of
from hasnet_models.face.align import resized
from hasnet_models.weights.digests import sha256_of

CPU = torch.device("cpu")


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory) -> Path:
    """A network of random weights as the published file has it: with its classifier, and from
    before batch norm counted its batches."""
    torch.manual_seed(0)
    state = dict(inception.InceptionV3().state_dict())
    state = {name: tensor for name, tensor in state.items() if "num_batches" not in name}
    state |= {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    path = tmp_path_factory.mktemp("inception") / "pt_inception-2015-12-05-6726825d.pth"
    torch.save(state, path)
    return path


# ---------------------------------------------------------------------------------- InceptionV3


def test_inception_of_another_hash_is_refused_though_it_fits(inception_file):
    with pytest.raises(WeightsError, match="its sha256 differs"):
        features.from_file(inception_file, CPU)


def test_inception_sees_pictures_at_299_px_in_minus_1_to_1(inception_file, rgb, monkeypatch):
    monkeypatch.setattr(features, "SHA256", sha256_of(inception_file))
    found = features.from_file(inception_file, CPU)
    net = inception.load_inception(inception_file)
    x = torch.from_numpy(resized(rgb, 299)).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        expected = net(x)[0].numpy()
    described = found.describe(rgb, {})
    assert found.name == "inceptionv3" and described.dtype == np.float64
    assert described.shape == (2048,) and described.std() > 0
    np.testing.assert_allclose(described, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_a_judge_with_inception_names_it_in_every_column_that_stands_on_it(
    inception_file, rgb, monkeypatch
):
    monkeypatch.setattr(features, "SHA256", sha256_of(inception_file))
    judge = Judge(CPU, inception_file, second=False)
    titles = {column.key: column.title for column in columns_of(judge, domains=True)}
    assert titles["fid"] == "FID (inceptionv3)" and titles["kid"] == "KID x100 (inceptionv3)"
    assert "inceptionv3" in titles["overall"] and "pool5" not in "".join(titles.values())
    view = judge.view(rgb)
    assert compared(view, view, view)["features"].shape == (2048,)


# ------------------------------------------------------------------------------------------ VGG


def test_pool5_is_the_mean_of_the_largest_of_four(rgb):
    deepest = torch.from_numpy(rgb[:8, :8].astype(np.float32)).permute(2, 0, 1)[None]
    blocks = rgb[:8, :8].reshape(4, 2, 4, 2, 3)
    np.testing.assert_allclose(features.pool5(deepest), blocks.max((1, 3)).mean((0, 1)))


@pytest.mark.parametrize("arch", ["vgg16", "vgg19"])
def test_a_file_of_torchvision_has_a_name_of_its_own(tmp_path, rgb, arch):
    torch.save(state_of(arch), tmp_path / "net.pth")
    found = features.from_file(tmp_path / "net.pth", CPU)
    assert found.name == f"torchvision-{arch}-pool5" != features.embedded().name
    described = found.describe(rgb, {})
    assert described.shape == (512,) and np.isfinite(described).all()


@pytest.mark.slow
def test_the_embedded_features_are_pool5_and_tell_pictures_apart(rgb):
    judge = Judge(CPU, second=False)
    view, other = judge.view(rgb), judge.view(255 - rgb // 2)
    assert judge.features.name == "vgg16-pool5"
    first, second = (judge.features.describe(v.rgb, v.layers) for v in (view, other))
    assert first.shape == (512,) and (first >= 0).all() and np.abs(first - second).max() > 0.1
    again = judge.features.describe(rgb, judge.perception.layers(rgb))
    np.testing.assert_array_equal(first, again)


# ----------------------------------------------------------------------------- second embedder


@pytest.mark.slow
def test_a_user_s_insightface_model_has_a_column_of_its_own(tmp_path, monkeypatch, rgb):
    pytest.importorskip("onnx")
    pytest.importorskip("insightface")
    from test_insightface_backend import make_detector, make_recogniser

    folder = tmp_path / "models" / "buffalo_l"
    make_detector(folder / "det_10g.onnx")
    make_recogniser(folder / "w600k_r50.onnx")
    monkeypatch.setenv("INSIGHTFACE_HOME", str(tmp_path))
    judge = Judge(CPU)
    assert judge.embedders == ("mobilefacenet", "insightface/w600k_r50")
    titles = [column.title for column in columns_of(judge, domains=False)]
    assert titles[:2] == ["ID x10 (mobilefacenet)", "ID x10 (insightface/w600k_r50)"]
    view, other = judge.view(rgb), judge.view(np.ascontiguousarray(rgb[::-1]))
    found = compared(view, view, view)
    assert found["id/insightface/w600k_r50"] == pytest.approx(0, abs=1e-6)
    assert compared(other, view, view)["id/insightface/w600k_r50"] > 1e-3
