"""The user's controls on the command line and from Python, without networks."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from conftest import Outcome
from PIL import Image

from hasnet_models import Avatar, image_io
from hasnet_models.avatar import api
from hasnet_models.avatar.fingerprint import fingerprint_of
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import Request
from hasnet_models.controls.background_choice import Background
from hasnet_models.controls.zone_choice import parse_colours
from hasnet_models.errors import DomainError, UsageError
from hasnet_models.plugins import discover

DOMAIN = ("--domain", "pencil", "--reference", "1")


@pytest.fixture
def here(run, site, pipeline):
    """`hasnet` in a folder with a photo, a palette and a picture, and one domain."""
    site.install("pencil")
    image_io.write(np.full((40, 48, 3), 200, np.uint8), "me.png")
    image_io.write(np.full((9, 9, 3), (10, 20, 250), np.uint8), "sky.png")
    Path("two.gpl").write_text("GIMP Palette\n250 0 0\n0 0 250\n")
    return run


def avatar(run, *options, out="a.png"):
    return run("avatar", "me.png", *DOMAIN, *options, "-o", out)


def reference_palette(run) -> list[str]:
    avatar(run, out="plain.png")
    return image_io.read_metadata("plain.png")["palette"].split()


@pytest.mark.parametrize(
    "options",
    [
        ("--colour", "hair=navy", "--colour", "background=#fff"),
        ("--keep", "skin,hair"),
        ("--keep", "skin", "--keep", "lips"),
        ("--background", "#102030"),
        ("--background", "transparent"),
        ("--background", "sky.png", "--paste"),
        ("--background", "blur", "--paste"),
        ("--palette", "two.gpl"),
        ("--palette", "sky.png"),
    ],
)
def test_the_printed_command_makes_the_same_picture(here, options):
    assert avatar(here, *options).code == 0
    shown = here("explain", "a.png").out.splitlines()[-1].removeprefix("command")
    assert here(*shlex.split(shown)[1:]).out == "a-again.png\n"
    first, again = image_io.read("a.png"), image_io.read("a-again.png")
    np.testing.assert_array_equal(first.rgb, again.rgb)
    asked, repeated = (
        json.loads(image_io.read_metadata(name)["options"]) for name in ("a.png", "a-again.png")
    )
    assert asked and all(repeated[name] == value for name, value in asked.items())


def test_a_mixture_is_made_again(here):
    assert here(
        "avatar", "me.png", "--domain", "pencil", "--mix", "1:0.7,pencil-02:0.3", "-o", "a.png"
    ) == Outcome(0, "a.png\n", "")  # fmt: skip
    record = json.loads(here("explain", "a.png", "--json").out)
    assert "--mix 1:0.7,pencil-02:0.3" in record["command"]
    assert "--reference" not in record["command"]
    assert record["record"]["reference"] == "pencil-01+pencil-02"
    assert here(*shlex.split(record["command"])[1:]).code == 0
    pair = (image_io.read_metadata(name)["z_id"] for name in ("a.png", "a-again.png"))
    assert next(pair) == next(pair)


def test_all_of_one_is_that_reference(here):
    args = ("avatar", "me.png", "--domain", "pencil")
    here(*args, "--mix", "2:1", "-o", "a.png")
    here(*args, "--reference", "2", "-o", "b.png")
    a, b = (image_io.read_metadata(name) for name in ("a.png", "b.png"))
    assert a["z_id"] == b["z_id"] and a["palette"] == b["palette"]


def test_a_palette_stands_for_the_reference_s(here):
    assert "2 colours, repeated to 20" in avatar(here, "--palette", "two.gpl").err
    record = image_io.read_metadata("a.png")
    assert record["palette"].split()[:2] == ["#fa0000", "#0000fa"]
    assert json.loads(record["options"]) == {"palette": "two.gpl"}
    assert (image_io.read("a.png").rgb == (250, 0, 0)).all()


def test_what_palette_prints_is_a_palette(here):
    Path("p.json").write_text(here("palette", "sky.png", "--json").out)
    avatar(here, "--palette", "p.json")
    assert set(image_io.read_metadata("a.png")["palette"].split()) == {"#0c14fc"}
    here("palette", "sky.png", "--gpl", "p.gpl")
    assert avatar(here, "--palette", "p.gpl").err == ""


def test_a_background_is_put_behind_the_left_half(here):
    avatar(here, "--background", "#0102ff")
    rgb = image_io.read("a.png").rgb
    assert (rgb[:, 12:] == (1, 2, 255)).all() and (rgb[:, :4] != (1, 2, 255)).any()
    avatar(here, "--background", "sky.png", "--size", "64")
    assert (image_io.read("a.png").rgb[:, 50:] == (10, 20, 250)).all()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_transparent(here, suffix):
    avatar(here, "--background", "transparent", "--size", "64", out="a" + suffix)
    alpha = image_io.read("a" + suffix).alpha
    assert alpha.shape == (64, 64) and alpha[:, 50:].max() == 0 and alpha[:, :10].min() > 250


def test_the_ground_of_a_whole_photo(here):
    avatar(here, "--background", "transparent", "--paste")
    alpha = image_io.read("a.png").alpha
    assert alpha.shape == (40, 48) and not alpha[:, 40:].any() and alpha[2, 2] == 255


def test_what_is_transparent_in_a_photo_is_background(here):
    picture = np.full((40, 48, 4), 200, np.uint8)
    picture[:10, :, 3] = 0
    Image.fromarray(picture).save("me.png")
    avatar(here, "--background", "#0102ff", "--paste")
    assert (image_io.read("a.png").rgb[0, 0] == (1, 2, 255)).all()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--colour", "hare=#fff"), 2, "no zone 'hare'"),
        (("--colour", "hair=greenish"), 2, "'greenish' is no colour"),
        (("--colour", "hair"), 2, "ZONE=#rrggbb"),
        (("--colour", "hair=red", "--colour", "hair=blue"), 2, "hair has two colours"),
        (("--keep", "nose"), 2, "not of 'nose'"),
        (("--background", "#12"), 2, "'#12' is no colour"),
        (("--background", "none.png"), 2, "no file none.png"),
        (("--background", "two.gpl"), 1, "two.gpl is not a picture"),
        (("--palette", "none.gpl"), 2, "none.gpl"),
        (("--palette", "bad.json"), 1, "bad.json is no palette"),
        (("--mix", "1:0.5,2:0.5"), 2, "mixture stands in place"),
        (("--mix", "1:x"), 2, "'x'"),
        (("--background", "transparent", "-o", "a.jpg"), 2, "a.jpg cannot be transparent"),
        (("--background", "sky.png", "-o", "sky.png"), 2, "never written over"),
        (("--palette", "sky.png", "-o", "sky.png"), 2, "never written over"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(here, options, code, words):
    Path("bad.json").write_text("{")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    result = here("avatar", "me.png", *DOMAIN, *options)
    assert (result.code, result.out) == (code, "") and words in result.err
    assert "internal error" not in result.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_an_unknown_reference_of_a_mixture_is_6(here):
    result = here("avatar", "me.png", "--domain", "pencil", "--mix", "1:1,nobody:1")
    assert result.code == 6 and "nobody" in result.err


def test_a_batch_never_writes_over_what_it_reads(here):
    Path("in").mkdir()
    Path("out").mkdir()
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "in/a.png")
    image_io.write(np.full((9, 9, 3), 7, np.uint8), "out/a.png")
    args = ("batch", "in", "-o", "out", *DOMAIN, "--background", "out/a.png", "--overwrite")
    assert here(*args).code == 2  # before the first photo
    assert (image_io.read("out/a.png").rgb == 7).all()


def test_a_batch_with_controls_is_done_once(here):
    Path("in").mkdir()
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "in/a.png")
    args = ("batch", "in", "-o", "out", *DOMAIN, "--background", "sky.png", "--jsonl")
    assert json.loads(here(*args).out)["status"] == "done"
    assert json.loads(here(*args).out)["status"] == "skipped"
    image_io.write(np.full((9, 9, 3), 99, np.uint8), "sky.png")
    assert json.loads(here(*args).out)["status"] == "done"


def test_a_sheet_with_controls_and_mixtures(here, pipeline):
    args = ("--domain", "pencil", "--mix", "1:1,2:1", "--mix", "3:1", "--side", "32")
    assert here("sheet", "me.png", *args, "--colour", "hair=red").code == 0
    assert [name for name, _ in pipeline.rendered] == ["pencil-01+pencil-02", "pencil-03"]
    assert here("sheet", "me.png", *args, "--palette", "two.gpl", "-o", "two.gpl").code == 2


# --- the fingerprint, and from Python


def fingerprint(pipeline, **look) -> str:
    request = Request(domain="pencil", reference="1", look=Look(**look))
    job = Job.start(request, discover(), lambda *_: pipeline, lambda _: None)
    return fingerprint_of(job).parameters


def test_a_fingerprint_changes_only_with_what_is_used(here, pipeline):
    plain = fingerprint(pipeline)
    sky = fingerprint(pipeline, background=Background.parse("sky.png"))
    assert fingerprint(pipeline, colour=(), keep=(), background=Background()) == plain
    others = [
        fingerprint(pipeline, colour=parse_colours(["hair=red"])),
        fingerprint(pipeline, keep=("hair",)),
        fingerprint(pipeline, palette="two.gpl"),
    ]
    assert len({plain, sky, *others}) == 5
    Path("sky.png").rename("other.png")
    assert fingerprint(pipeline, background=Background.parse("other.png")) == sky


def test_controls_from_python(here, pipeline, monkeypatch):
    monkeypatch.setattr(api, "_load", lambda *_: pipeline)
    made = Avatar(domain="pencil", mix={1: 1, 2: 1}, colour={"hair": "red"}, keep="skin,lips")
    options = json.loads(made("me.png").metadata["options"])
    assert options == {"mix": "1:1,2:1", "colour": ["hair=#ff0000"], "keep": ["skin", "lips"]}
    clear = Avatar(domain="pencil", background="transparent")
    assert clear(Image.new("RGB", (24, 20), "gray")).mode == "RGBA"
    assert clear(np.full((20, 24, 3), 200, np.uint8)).shape == (16, 16, 4)
    with pytest.raises(UsageError, match="transparent"):
        clear("me.png").save("a.jpg")
    with pytest.raises(UsageError, match=r"two\.gpl"):
        Avatar(domain="pencil", palette="two.gpl")("me.png").save("two.gpl")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"colour": {"nose": "red"}}, UsageError),
        ({"colour": {"hair": "?"}}, UsageError),
        ({"keep": "nose"}, UsageError),
        ({"mix": {}}, UsageError),
        ({"mix": {"1": None}}, UsageError),
        ({"mix": {"9": 1}}, DomainError),
        ({"background": "#1"}, UsageError),
        ({"palette": "none.gpl"}, UsageError),
    ],
)
def test_bad_controls_from_python(here, pipeline, monkeypatch, options, kind):
    monkeypatch.setattr(api, "_load", lambda *_: pipeline)
    with pytest.raises(kind):
        Avatar(domain="pencil", **options)("me.png")
