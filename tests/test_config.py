"""Presets: what they hold and how faults are told."""

import runpy
from pathlib import Path

import pytest

from hasnet_models.config.build import build, to_dict
from hasnet_models.config.keys import about
from hasnet_models.config.load import ABLATIONS, load_preset, to_toml
from hasnet_models.config.schema import RTConfig, RTTrainConfig, TTConfig, TTTrainConfig
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
    assert "rt.channels must be a list, each a whole number" in text
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


@pytest.mark.parametrize("name", ["lite", "paper"])
def test_preset_as_toml_is_read_back(name, tmp_path):
    path = tmp_path / "again.toml"
    names = ("tt.domains=['顔 🎨', 'a\"b\\c']", "tt_train.shares={'顔.🎨'=0.5}")
    changed = load_preset(name, names)
    path.write_text(to_toml(changed), encoding="utf-8")
    assert load_preset(str(path)) == changed


@pytest.mark.parametrize("preset", ["lite", "paper"])
@pytest.mark.parametrize("cells", [16, 32, 64])
def test_con0_changes_the_grid_and_keeps_the_finest_size(preset, cells):
    plain, tt = load_preset(preset).tt, load_preset(preset, (f"tt.con0={cells}",)).tt
    assert tt == load_preset(preset, ablations=(f"con0-{cells}",)).tt
    assert tt.grid == cells == tt.content_size // 8 // tt.content_pool
    assert tt.resolutions[-1] == plain.resolutions[-1]
    widths = dict(zip(plain.resolutions, plain.widths, strict=True))
    kept = zip(tt.resolutions, tt.widths, strict=True)
    assert all(widths.get(side, plain.widths[0]) == width for side, width in kept)


def test_every_ablation_gives_a_valid_preset():
    for preset in ("lite", "paper"):
        for ablation in ABLATIONS:
            load_preset(preset, ablations=(ablation,))
    train = load_preset("lite", ablations=("no-cx", "no-rt", "no-skips"))
    assert (train.tt_train.style, train.tt_train.content) == (0, 0)
    assert not train.tt.use_rt and not train.tt.skips


def test_flags_come_after_ablations():
    assert load_preset("lite", ("tt_train.style=2",), ("no-cx",)).tt_train.style == 2


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("tt.grid=32", "tt.con0 sets all of these"),
        ("tt.norm=adian", "did you mean adain"),
        ("tt.content_channels=100", "must be 512"),
        ("tt.trained_size=100", "trained_size must be 0 or one of"),
        ("tt_train.sizes=[64,256]", "must double"),
        ("tt_train.sizes=[48]", "some of 16, 32"),
        ("tt_train.size_images=[5,6,7]", "one fewer"),
        ("tt_train.d_widths=[8]", "does not fit"),
        ("tt_train.pool=3", "at least tt_train.batch"),
        ("tt_train.same_image=0.95", "together more than 1"),
        ("tt_train.shares={anime=1.5}", "shares must be between"),
        ("tt_train.shares={anime=0.7, oil=0.7}", "shares are together more than 1"),
        ("tt_train.head_from=20", "head_from must be 0 or one of"),
        ("tt_train.head_size=20", "head_size must be 0 or one of"),
        ("rt.palette_colours=5", "as many as a palette has"),
        ("rt_train.size=32", "too often"),
        ("rt=3", "not of the form"),
    ],
)
def test_values_that_contradict_each_other_are_refused(override, words):
    with pytest.raises(UsageError, match=words):
        load_preset("lite", (override,))


def test_table_that_is_a_number_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_text("rt = 3\n")
    with pytest.raises(UsageError, match="rt must be a table"):
        load_preset(str(tmp_path / "bad.toml"))


def test_pictures_too_small_for_the_contextual_losses_are_refused():
    sizes = ("tt_train.sizes=[16,32,64]", "tt_train.size_images=[1,2]")
    changes = (*sizes, "tt_train.contextual_shrink=4")
    with pytest.raises(UsageError, match="need 32 px at the first size"):
        load_preset("lite", changes)
    load_preset("lite", changes, ("no-cx",))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("rt.channels=[]", "rt.channels must not be empty"),
        ("tt.widths=[]", "tt.widths must not be empty"),
        ("tt_train.sizes=[]", "tt_train.sizes must not be empty"),
        ("rt_train.d_widths=[]", "rt_train.d_widths must not be empty"),
        ("tt.content_layer=relu4_4", "content_layer relu4_4 is not in the embedded vgg16"),
        ("tt.skip_layer=relu3_4", "skip_layer relu3_4 is not in the embedded vgg16"),
        ("tt_train.lr=nan", "lr must be a number, not nan"),
        ("rt_train.huber=inf", "huber must be a number, not inf"),
        ("rt_train.huber=" + "9" * 400, "huber must be a number"),
        ("tt_train.shares.anime=nan", "must be a table of numbers"),
        ("tt_train.shares.anime='much'", "must be a table of numbers"),
        ("tt.skips=1", "tt.skips must be true or false, not 1"),
        ("tt.grid=true", "tt.grid must be a whole number"),
        ("tt.grid=16.0", "tt.grid must be a whole number"),
        ("tt.domains=[1]", "tt.domains must be a list, each a text"),
        ("tt.con0=17", "con0 must be one of 16, 32, 64"),
        ("tt.con0=[16]", "con0 must be one of 16, 32, 64"),
        ("tt_train.beta1.x=1", "beta1 must be a number"),
        ("tt.grid.x=1", "needs a table tt.grid, not 16"),
        ("nothing.at.all=1", "there is no table 'nothing'"),
        (".=1", "there is no table ''"),
    ],
)
def test_values_that_cannot_be_are_one_sentence(override, words):
    with pytest.raises(UsageError) as error:
        load_preset("lite", (override,))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_one_share_can_be_set():
    found = load_preset("lite", ("tt_train.shares.anime=0.2", "tt_train.shares.clay = 0"))
    usual = load_preset("lite").tt_train.shares
    assert found.tt_train.shares == {**usual, "anime": 0.2, "clay": 0.0}


@pytest.mark.parametrize("data", [b"\xff\xfe\x00[", "[rt]\nsize = 1 # \xe9".encode("latin-1")])
def test_toml_that_is_not_utf8_is_a_usage_error(data, tmp_path):
    path = tmp_path / "odd.toml"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="not UTF-8 text"):
        load_preset(str(path))


def test_toml_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "notepad.toml"
    path.write_bytes("[rt]\nsize = 64\n".encode("utf-8-sig"))
    assert load_preset(str(path)).rt.size == 64


def test_what_is_no_table_takes_no_override(tmp_path):
    (tmp_path / "bad.toml").write_text("rt = 3\n")
    with pytest.raises(UsageError, match="needs a table rt, not 3; rt must be a table"):
        load_preset(str(tmp_path / "bad.toml"), ("rt.size=64",))


@pytest.mark.parametrize("kind", [RTConfig, TTConfig, RTTrainConfig, TTTrainConfig])
def test_every_key_has_words(kind):
    for key, words in about(kind).items():
        assert len(words) > 5 and "\n" not in words, key


def test_toml_has_the_words_of_every_key():
    text = to_toml(load_preset("lite"))
    for kind in (RTConfig, TTConfig, RTTrainConfig, TTTrainConfig):
        for key, words in about(kind).items():
            assert any(key in line and line.endswith(f"  # {words}") for line in text.split("\n"))


def test_the_document_has_the_table_of_all_keys():
    tool = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "config_keys.py"))
    text = tool["DOCUMENT"].read_text(encoding="utf-8")
    assert tool["refreshed"](text) == text, "run tools/config_keys.py"
    for kind in (RTConfig, TTConfig, RTTrainConfig, TTTrainConfig):
        for key, words in about(kind).items():
            assert f"| `{key}` |" in text and f"| {words} |\n" in text


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (("rt.palette_attention=false",), "rt.zones needs rt.palette_attention"),
        (("rt.palette_attention=false", "rt.zones=false"), "rt.tone_fixed needs"),
        (("rt.tone_match=0",), "rt.tone_mean needs rt.tone_match"),
        (("tt.residual=false",), "tt.base flat needs tt.residual"),
        (("tt.base='round'",), "must be one of blur, flat"),
    ],
)
def test_options_that_need_another_say_so(overrides, fault):
    with pytest.raises(UsageError, match=fault):
        load_preset("lite", overrides)


def test_paper_has_no_option_that_the_paper_lacks():
    paper, ablated = load_preset("paper"), load_preset("lite", ablations=("no-zones",))
    assert not (paper.rt.zones or paper.rt.tone_fixed or paper.rt.tone_mean)
    assert paper.tt.base == "blur" and load_preset("lite").tt.base == "flat"
    assert load_preset("lite").rt.zones and not ablated.rt.zones
