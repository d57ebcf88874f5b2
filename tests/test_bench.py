"""`hasnet bench`: what is measured, without any claim on how long it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hasnet_cli import bench_programs, bench_view, factory
from hasnet_models import image_io
from hasnet_models.benchmark import clock, palettes, parts, processes
from hasnet_models.errors import HasnetError

PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.png"


def test_a_pair_is_timed_turn_by_turn_and_the_first_turn_does_not_count(monkeypatch):
    calls, now = [], iter([0, 9, 9, 99, 0, 1, 1, 3, 0, 2, 2, 12, 0, 3, 3, 6])
    monkeypatch.setattr(clock.time, "perf_counter", lambda: next(now))
    found = clock.pair(lambda: calls.append("a"), lambda: calls.append("b"), 3)
    assert "".join(calls) == "ab" * 4
    assert found == clock.Pair(2, 3, 2)  # turns of 1:2, 2:10 and 3:3


def test_a_program_is_charged_with_its_own_memory_alone():
    hold = "x = bytearray({} * 2**20); x[::4096] = b'1' * len(x[::4096])"
    ballast = np.ones(200 * 2**20 // 8)
    small, large = (processes.cost([sys.executable, "-c", hold.format(n)]) for n in (1, 150))
    assert small.mib < 120 < 150 < large.mib and ballast.all()


def test_a_program_that_fails_is_said():
    code = "import sys; print('first'); sys.exit('no luck')"
    with pytest.raises(HasnetError, match="no luck"):
        processes.cost([sys.executable, "-c", code])


def test_processor_time_is_the_program_s_own():
    idle = processes.cost([sys.executable, "-c", "import time; time.sleep(1)"])
    assert idle.processor < idle.seconds


def test_programs_take_turns_and_the_least_counts(monkeypatch):
    bare, ours = (bench_programs.Program(name, [name], "bare") for name in ("bare", "ours"))
    long = bench_programs.Program("long", ["long"], once=True)
    asked, took = [], iter([5.0, 9.0, 7.0, 4.0, 6.0])
    cost = lambda command: asked.append(*command) or processes.Cost(1.0, next(took), None)  # noqa: E731
    monkeypatch.setattr(processes, "cost", cost)
    found = bench_programs.measure([bare, ours, long], 2, lambda: None)
    assert asked == ["bare", "ours", "long", "bare", "ours"]
    assert [one["ratio"] for one in found] == [1.0, 1.5, None]


def test_a_bare_program_lists_as_much():
    several = bench_programs.programs(PHOTO, 3, 2, ["avatar"])
    helped, listed = (
        subprocess.run(one.command, capture_output=True, text=True, check=True).stdout
        for one in several
        if one.name in ("bare --help", "bare list")
    )
    assert "other2" in helped and listed.count("some licence") == 2


def test_both_palettes_are_timed():
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert {one.ratio > 0 for one in palettes.beside_colorthief(rgb, 1).values()} == {True}


@pytest.fixture
def measured(monkeypatch):
    """What takes long is said to have taken a second."""
    steps = [parts.Part("detect", 0.25), parts.Part("face", 0.75), parts.Part("RT-Net", 0.5, True)]
    asked = []
    monkeypatch.setattr(parts, "parts", lambda *args: steps)
    monkeypatch.setattr(parts, "medium_share", lambda *args: 0.5)
    cost = lambda command: asked.append(command) or processes.Cost(4.0, 2.0, 100.0)  # noqa: E731
    monkeypatch.setattr(processes, "cost", cost)
    return asked


@pytest.mark.parametrize("photo", [True, False])
def test_the_tables(run, site, pipeline, measured, photo):
    site.install("pencil")
    image_io.write(np.full((40, 40, 3), 200, np.uint8), "me.png")
    code, out, err = run("bench", *(["me.png"] if photo else []), "--runs", "1", "--photos", "2")
    assert code == 0 and not err
    for text in ("one avatar", "4.0 times that when cold", "75.0%", "50.0%", "4 a call", "2048 px"):
        assert text in out
    face = measured[-1][measured[-1].index("--face") + 1]
    assert face == ("auto" if photo else "aligned") and "pencil" in measured[-1]


def test_the_object(run, site, pipeline, measured):
    site.install("pencil")
    found = json.loads(run("bench", "--json", "--runs", "1", "--photos", "1").out)
    assert found["avatar"]["seconds"] == 1.0 and len(found["avatar"]["parts"]) == 3
    assert set(found["batch_rate"]) == {"1", "4"} and found["machine"]["domain"] == "pencil"
    rows = {one["command"]: one for one in found["processes"]}
    assert rows["--help"]["against"] == "bare --help" and rows["--help"]["ratio"] == 1.0
    assert rows["avatar --domain pencil"]["ratio"] is None


def test_what_is_missing_is_said(run, site, pipeline, measured):
    assert run("bench").code == 6
    site.install("pencil")
    assert run("bench", "--domain", "other").code == 6
    assert run("bench", "gone.png").code == 2


def test_a_photo_that_fails_ends_it(run, site, pipeline, measured, monkeypatch):
    site.install("pencil")
    image_io.write(np.zeros((40, 40, 3), np.uint8), "black.png")
    code, _, err = run("bench", "black.png")
    assert code == 1 and "No face was found" in err


@pytest.mark.slow
def test_the_steps_of_a_real_avatar(networks):
    domain = factory.find_domains().get(bench_view.USUAL)
    found = parts.parts(networks, image_io.read(PHOTO), domain, 1)
    names = [part.name for part in found]
    assert {"geometry", "zones", "RT-Net", "VGG and TT-Net", "medium"} <= set(names)
    assert [part.name for part in found if not part.inside] == [
        "detect and align", "z_id of the source", "geometry", "face to avatar", "medium"
    ]  # fmt: skip
