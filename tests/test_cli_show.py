"""`hasnet domains` and `hasnet palette`: what they print."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hasnet_cli import factory
from hasnet_models import image_io


@pytest.fixture
def stripes(tmp_path):
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, :15] = (255, 0, 0)
    path = tmp_path / "stripes [1].png"
    image_io.write(image, path)
    return path


def test_domains_as_a_table(run, site):
    site.install("pencil")
    code, out, err = run("domains")
    assert code == 0 and err == ""
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert rows[1] == "pencil Pencil world 3 no test only hasnet-domain-pencil 1.0"


def test_no_domains_is_said(run):
    code, out, err = run("domains")
    assert code == 0 and out == "" and "No usable domain" in err


def test_broken_plugins_are_rows_and_do_not_fail_the_command(run, site):
    site.install("anime", "import no_such_module_anywhere")
    (site.install("bent") / "references.safetensors").write_bytes(b"junk")
    site.install("pencil")
    code, out, err = run("domains")
    assert code == 0
    assert out.count("broken") == 2 and "pencil" in out
    assert "no_such_module_anywhere" in err and "bent is broken" in err
    assert "Traceback" not in err and "Traceback" in run("domains", "-v").err


def test_domains_as_json(run, site, monkeypatch):
    site.install("anime", "raise SystemExit")
    site.install("oil")
    site.install("pencil")
    monkeypatch.setenv("HASNET_DISABLE_PLUGINS", "oil")
    document = json.loads(run("domains", "--json").out)
    assert document["schema"] == 1 and document["disabled"] == ["oil"]
    pencil, anime = document["domains"]
    assert pencil == {
        "name": "pencil",
        "medium": None,
        "title": "Pencil world",
        "licence": "test only",
        "plugin": "hasnet-domain-pencil 1.0",
        "head": False,
        "references": ["pencil-01", "pencil-02", "pencil-03"],
    }
    assert anime["name"] == "anime" and anime["error"].startswith("import: SystemExit")


def test_palette_prints_twenty_hex_codes_without_colour_in_a_pipe(run, stripes):
    code, out, err = run("palette", stripes)
    assert code == 0 and "the colours of the whole picture" in err
    assert out.split() == ["#040404", "#fc0404"] * 10 or out.split() == [
        "#fc0404",
        "#040404",
    ] * 10


def test_palette_shows_swatches_in_a_terminal_unless_no_color(run, stripes, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[48;2;252;4;4m" in run("palette", stripes).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "48;2" not in run("palette", stripes).out


def test_palette_as_json(run, stripes):
    document = json.loads(run("palette", stripes, "--json").out)
    assert document["schema"] == 1 and document["picture"] == "stripes [1].png"
    assert len(document["colours"]) == 20
    assert {"hex": "#fc0404", "rgb": [252, 4, 4]} in document["colours"]


def test_palette_of_the_whole_picture_looks_for_no_face(run, stripes, monkeypatch):
    found = run("palette", stripes, "--json")

    def refuse(_backend):
        raise AssertionError("a detector was loaded")

    monkeypatch.setattr(factory, "load_detector", refuse)
    assert run("palette", stripes, "--whole", "--json") == (0, found.out, "")


def test_palette_as_a_picture(run, stripes):
    assert run("palette", stripes, "--png", "p.png").code == 0
    image = image_io.read("p.png").rgb
    assert image.shape == (48, 960, 3)
    assert {tuple(c) for c in image.reshape(-1, 3)} == {(252, 4, 4), (4, 4, 4)}


@pytest.mark.parametrize("args", [("none.png",), ("STRIPES", "--png", "x.txt")])
def test_palette_of_the_wrong_thing_is_2(run, stripes, args):
    result = run("palette", *(stripes if arg == "STRIPES" else arg for arg in args))
    assert result.code == 2 and result.out == ""


def test_palette_never_writes_over_its_picture(run, stripes):
    before = stripes.read_bytes()
    assert run("palette", stripes, "--png", stripes).code == 2
    assert stripes.read_bytes() == before
