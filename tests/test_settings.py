"""Flag, variable, ./hasnet.toml, the user's file: in this order."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hasnet_cli import factory, settings
from hasnet_models import image_io


@pytest.fixture
def asked(run, site, pipeline, monkeypatch):
    """Call `avatar`; gives the device that was asked for."""
    site.install("pencil")
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "face.png")
    devices = []

    def load(device, *_):
        devices.append(device)
        return pipeline

    monkeypatch.setattr(factory, "load_pipeline", load)

    def call(*args):
        result = run("avatar", "face.png", *args)
        return devices.pop() if result.code == 0 else result

    return call


def write_user(text: str) -> Path:
    path = settings.user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_order_of_precedence(asked, monkeypatch):
    assert asked("--domain", "pencil") == "auto"
    write_user('device = "cuda:3"\ndomain = "pencil"\n')
    assert asked() == "cuda:3"
    Path("hasnet.toml").write_text('device = "cuda:2"\n')
    assert asked() == "cuda:2"
    monkeypatch.setenv("HASNET_DEVICE", "cuda:1")
    assert asked() == "cuda:1"
    assert asked("--device", "cpu") == "cpu"


def test_the_environment_is_left_as_it_was(asked):
    Path("hasnet.toml").write_text('domain = "pencil"\nmax_pixels = 100000\nplugins = ["pencil"]\n')
    before = dict(os.environ)
    assert asked() == "auto"
    assert dict(os.environ) == before


def test_the_library_takes_them_too(asked):
    Path("hasnet.toml").write_text("max_pixels = 100\n")
    result = asked("--domain", "pencil")
    assert result.code == 1 and "face.png" in result.err


def test_a_list_and_a_path(run, site):
    site.install("anime")
    site.install("oil")
    Path("hasnet.toml").write_text('disable_plugins = ["oil", "x"]\nweights = "own"\n')
    assert json.loads(run("domains", "--json").out)["disabled"] == ["oil"]
    assert settings.read_files()["HASNET_WEIGHTS"][0] == str(Path("own").absolute())


def test_an_empty_list_of_plugins_is_none_of_them(run, site):
    site.install("oil")
    Path("hasnet.toml").write_text("plugins = []\n")
    assert json.loads(run("domains", "--json").out)["disabled"] == ["oil"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("devise = 'cpu'", "unknown key 'devise'. Did you mean 'device'?"),
        ("qqq = 1", "unknown key 'qqq'"),
        ("device = 3", "needs 'device' as a string"),
        ("quality = true", "needs 'quality' as a whole number"),
        ("plugins = 'a'", "needs 'plugins' as a list of strings"),
        ("[device]\na = 1", "needs 'device' as a string"),
        ("device = ", "hasnet.toml cannot be read"),
        ("\xff", "hasnet.toml cannot be read"),
    ],
)
def test_a_wrong_file_is_2_with_one_sentence(run, text, message):
    Path("hasnet.toml").write_bytes(text.encode("latin-1"))
    code, out, err = run("domains")
    assert (code, out) == (2, "") and message in err and err.count("\n") == 2


def test_all_mistakes_are_told_at_once(run):
    Path("hasnet.toml").write_text("devise = 1\nqualty = 2\n")
    write_user("wieghts = 'x'\n")
    err = run("domains").err
    for name in ("device", "quality", "weights"):
        assert f"Did you mean '{name}'?" in err


def test_a_wrong_value_of_a_variable_names_the_variable(run, monkeypatch):
    monkeypatch.setenv("HASNET_BACKEND", "magic")
    code, _, err = run("align", "x.png", "-o", "y.png")
    assert code == 2 and "HASNET_BACKEND" in err


def test_help_works_with_a_wrong_file(run):
    Path("hasnet.toml").write_text("devise = 1\n")
    assert run("--help").code == 0 and run("completion", "bash").code == 0


def test_an_unknown_variable_is_a_note_with_a_suggestion(run, monkeypatch):
    monkeypatch.setenv("HASNET_DEVCIE", "cpu")
    code, _, err = run("domains")
    assert code == 0 and "no variable HASNET_DEVCIE. Did you mean 'HASNET_DEVICE'?" in err
    assert "DEVCIE" not in run("domains", "-q").err
