"""With the real networks: the command that `hasnet explain` prints gives the same pixels."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from hasnet_cli import factory
from hasnet_models import image_io
from hasnet_models.weights import files

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--paste",),
        ("--face", "1", "--size", "300"),
        ("--colour", "hair=#3060a0", "--keep", "skin", "--background", "blur", "--paste"),
    ],
)
def test_an_avatar_is_made_again_to_the_bit(run, networks, monkeypatch, options):
    monkeypatch.setattr(factory, "load_pipeline", lambda *_: networks)
    shutil.copy(ASTRONAUT, "me.png")
    args = ("--ref", "me.png", "--domain", "none", "--device", "cpu", *options)
    assert run("avatar", "me.png", *args, "-o", "first.png").code == 0
    document = json.loads(run("explain", "first.png", "--json").out)
    assert document["changed_weights"] == []
    assert set(document["record"]["weights"]) == set(files.NETWORKS)
    assert run(*shlex.split(document["command"])[1:]).out == "first-again.png\n"
    first, again = (image_io.read(name).rgb for name in ("first.png", "first-again.png"))
    assert (first == again).all()
