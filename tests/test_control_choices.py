"""The grammar of the user's controls: colours of zones, kept zones, mixtures, backgrounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import Request
from hasnet_models.controls.background_choice import Background
from hasnet_models.controls.colours import hex_code, parse_colour
from hasnet_models.controls.mix_choice import MixChoice
from hasnet_models.controls.zone_choice import (
    ZoneColour,
    kept_zones,
    parse_colours,
    parse_keep,
)
from hasnet_models.errors import UsageError


def refused(parse, text, parameter):
    with pytest.raises(UsageError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and "--" not in message
    assert caught.value.parameters == (parameter,)
    return message


@pytest.mark.parametrize(
    ("text", "colour"),
    [("#3060a0", (48, 96, 160)), ("#30F", (51, 0, 255)), (" navy ", (0, 0, 128)),
     ("rgb(1, 2, 3)", (1, 2, 3))],
)  # fmt: skip
def test_colours(text, colour):
    assert parse_colour(text) == colour
    assert parse_colour(hex_code(colour)) == colour


@pytest.mark.parametrize("text", ["", "#12345", "#11223344", "blau", "#gggggg", "12", "x" * 999])
def test_what_is_no_colour(text):
    refused(parse_colour, text, "colour")


def test_zones_and_their_friendly_names():
    assert str(ZoneColour.parse("hair=#3060A0")) == "hair=#3060a0"
    assert ZoneColour.parse("background=red") == ZoneColour("rest", (255, 0, 0))
    assert ZoneColour.parse("clothes=red").zone == "below"


@pytest.mark.parametrize("text", ["hair", "hare=#fff", "=#fff", "hair=", "hair=#ffff1"])
def test_what_is_no_colour_of_a_zone(text):
    refused(ZoneColour.parse, text, "colour")


def test_colours_stand_in_the_order_of_the_zones():
    found = parse_colours(["rest=#fff", "skin=#000"])
    assert [one.zone for one in found] == ["skin", "rest"]
    assert found == parse_colours(reversed(["rest=#fff", "skin=#000"]))


def test_a_zone_has_one_colour():
    assert "rest" in refused(parse_colours, ["rest=#fff", "background=#000"], "colour")


def test_kept_zones():
    assert parse_keep(["hair,skin", "hair"]) == ("skin", "hair")
    assert parse_keep(["skin", "all"]) == ("all",)
    assert parse_keep([]) == ()
    assert kept_zones(("skin", "hair")) == (0, 3)
    assert kept_zones(("all",)) == (0, 1, 2, 3, 4, 5)
    for text in ("nose", "skin,", "below"):
        refused(parse_keep, [text], "keep")


def test_mixtures():
    choice = MixChoice.parse(" 1:0.7, sketch-03:0.1 ")
    assert choice.names == ("1", "sketch-03")
    assert choice.weights == pytest.approx((0.875, 0.125))
    assert MixChoice.parse("a:b:2").names == ("a:b",)
    assert MixChoice.of({1: 2, "b": 0}) == MixChoice((("1", 2.0), ("b", 0.0)))
    assert MixChoice.parse("a:1e308,b:1e308").weights == (0.5, 0.5)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=4).filter(any))
def test_a_mixture_is_written_as_it_is_read(weights):
    choice = MixChoice.of(dict(enumerate(weights)))
    assert MixChoice.parse(str(choice)) == choice
    assert sum(choice.weights) == pytest.approx(1)


@pytest.mark.parametrize(
    "text", ["", "a", "a:", ":1", "a:x", "a:-1", "a:nan", "a:inf", "a:0", "a:1,", "a:1,a:2"]
)
def test_what_is_no_mixture(text):
    refused(MixChoice.parse, text, "mix")


@pytest.mark.parametrize("text", ["keep", "transparent", "blur", "#102030", "a.png", "./navy"])
def test_backgrounds(text):
    assert str(Background.parse(text)) == text


def test_a_background_is_a_colour_by_its_name_or_else_a_file():
    assert Background.parse("navy").colour == (0, 0, 128)
    file = Background.parse("pictures/a.png")
    assert file.kind == "file" and str(file.without_folder()) == "a.png"
    assert str(file.absolute()).endswith("pictures/a.png") and str(file.absolute())[0] != "p"
    for text in ("", "#12"):
        refused(Background.parse, text, "background")


def test_requests_name_what_was_changed_as_plain_values():
    look = Look(
        colour=parse_colours(["hair=#fff"]), keep=("skin",), background=Background.parse("a/b.png"),
        palette="c/d.gpl",
    )  # fmt: skip
    request = Request(domain="x", mix=MixChoice.parse("1:1"), look=look)
    request.check()
    assert request.changed() == {
        "domain": "x", "mix": "1:1", "colour": ["hair=#ffffff"], "keep": ["skin"],
        "background": "a/b.png", "palette": "c/d.gpl",
    }  # fmt: skip
    assert request.files == ("c/d.gpl", "a/b.png")
    assert Request(domain="x", look=Look()).changed() == {"domain": "x"}


@pytest.mark.parametrize(
    "other", [{"reference": "1"}, {"reference": "random"}, {"ref": "a.png"}, {"domain": "none"}]
)
def test_a_mixture_stands_alone(other):
    with pytest.raises(UsageError):
        Request(**{"domain": "x", "mix": MixChoice.parse("1:1"), **other}).check()
