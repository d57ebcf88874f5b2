"""Presets: what they hold and how faults are told."""

import pytest

from hasnet_models.config import RTConfig, build, load_preset, to_dict
from hasnet_models.errors import UsageError


def test_paper_preset_has_the_papers_sizes():
    paper = load_preset("paper")
    assert len(paper.rt.channels) == 7
    assert paper.tt.resolutions == (32, 64, 128, 256, 512)
    assert (paper.tt.z_dim, paper.tt.content_channels) == (512, 512)
    assert not (paper.tt.skips or paper.tt.residual or paper.rt.palette_attention)
    weights = paper.tt_train
    assert (weights.adversarial, weights.identity, weights.reconstruction) == (1, 10, 100)
    assert (weights.content, weights.style, paper.rt_train.huber) == (0.5, 1, 10)


def test_lite_preset_loads():
    lite = load_preset("lite")
    assert lite.tt.resolutions[0] == lite.tt.content_size // 8


def test_override_changes_one_key():
    changed = load_preset("lite", ("tt_train.lr=1e-3", "tt.skips=false", "tt.norm=adain"))
    assert (changed.tt_train.lr, changed.tt.skips, changed.tt.norm) == (1e-3, False, "adain")


def test_every_fault_is_named_at_once():
    with pytest.raises(UsageError) as error:
        load_preset("lite", ("tt_train.lrr=1", "tt_train.batch=0", "rt.channels=5", "nonsense"))
    text = str(error.value)
    assert "did you mean lr" in text
    assert "tt_train.batch must be between 1" in text
    assert "rt.channels must be a list of int" in text
    assert "'nonsense' is not of the form" in text


@pytest.mark.parametrize("name", ["papr", "missing.toml"])
def test_unknown_preset_is_a_usage_error(name):
    with pytest.raises(UsageError):
        load_preset(name)


def test_broken_toml_is_a_usage_error(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("[rt\n")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_preset(str(path))


def test_configuration_survives_the_way_to_a_dictionary_and_back():
    config = load_preset("lite").rt
    problems: list[str] = []
    assert build(RTConfig, to_dict(config), "rt", problems) == config
    assert not problems
