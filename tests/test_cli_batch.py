from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import picture


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def photos(tmp_path, site, pipeline):
    site.install("pencil")
    folder = tmp_path / "photos"
    picture(folder / "a.jpg")
    picture(folder / "deep" / "er" / "лицо [1].png", 120)
    (folder / "notes.txt").write_text("no picture")
    picture(folder / ".hidden.png")
    picture(folder / ".git" / "x.png")
    return folder


@pytest.fixture
def batch(run, photos, tmp_path):
    out = tmp_path / "out"

    def call(*more):
        result = run("batch", photos, "--domain", "pencil", "-o", out, *more)
        path = out / "results.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return result, out, {line["input"]: line for line in map(json.loads, lines)}

    return call


def test_the_tree_is_mirrored(batch):
    result, out, lines = batch()
    assert (result.code, result.out) == (0, f"{out / 'results.jsonl'}\n")
    assert "2 of 2" in result.err
    assert files(out) == ["a.png", "deep/er/лицо [1].png", "results.jsonl"]
    assert {line["status"] for line in lines.values()} == {"done"}
    line = lines["deep/er/лицо [1].png"]
    assert line["schema"] == 1 and line["domain"] == "pencil"
    assert line["reference"].startswith("pencil-")
    assert line["notes"] == ["2 faces; the largest was taken."]
    assert line["output"] == str(out / "deep/er/лицо [1].png")


def test_one_bad_photo_does_not_stop_the_others(batch, photos):
    (photos / "b.jpg").write_bytes(b"no jpeg")
    picture(photos / "black.png", 0)
    picture(photos / "breaks.png", 200, 13)
    result, out, lines = batch()
    assert result.code == 3
    assert files(out) == ["a.png", "deep/er/лицо [1].png", "results.jsonl"]
    assert lines["black.png"]["error"] == "No face was found in black.png."
    assert lines["breaks.png"]["error"] == "RuntimeError: a fault of two lines"
    assert lines["b.jpg"]["status"] == "failed" and lines["b.jpg"]["output"] is None
    assert "black.png: No face" in result.err and "Traceback" not in result.err


def test_all_failed_is_1(run, tmp_path, site, pipeline):
    site.install("pencil")
    picture(tmp_path / "p" / "black.png", 0)
    assert run("batch", tmp_path / "p", "--domain", "pencil", "-o", tmp_path / "o").code == 1


def test_collisions_are_refused_before_work(batch, photos, pipeline):
    picture(photos / "a.png")
    result, out, _ = batch()
    assert result.code == 2 and "a.jpg and a.png" in result.err
    assert pipeline.rendered == [] and not out.exists()


def test_input_and_output_must_differ(run, photos, tmp_path):
    same = tmp_path / "photos" / ".." / "photos"
    result = run("batch", photos, "--domain", "pencil", "-o", same)
    assert result.code == 2 and "is the input folder" in result.err


def test_an_output_folder_inside_the_input_is_not_read_again(run, photos):
    for _ in range(2):
        assert run("batch", photos, "--domain", "pencil", "-o", photos / "out").code == 0
    assert files(photos / "out") == ["a.png", "deep/er/лицо [1].png", "results.jsonl"]


@pytest.mark.parametrize("case", ["missing", "file", "empty"])
def test_a_wrong_input_folder_is_2(run, photos, tmp_path, case):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    result = run("batch", tmp_path / case, "--domain", "pencil", "-o", tmp_path / "o")
    assert result.code == 2 and not (tmp_path / "o").exists()


def test_an_output_folder_that_is_a_file_is_2(run, photos, tmp_path):
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert run("batch", photos, "--domain", "pencil", "-o", out).code == 2


def test_random_references_do_not_depend_on_the_other_photos(batch, photos):
    for i in range(6):
        picture(photos / f"p{i}.png", 10 * i + 5)
    args = ("--reference", "random", "--seed", 4)
    _, _, first = batch(*args)
    (photos / "p0.png").unlink()
    (photos / "a.jpg").unlink()
    _, _, second = batch(*args)
    assert len({line["reference"] for line in first.values()}) > 1
    for key, line in second.items():
        assert line["reference"] == first[key]["reference"]


def test_one_reference_picture_for_all(run, photos, tmp_path, pipeline):
    ref = picture(tmp_path / "ref.png", 90)
    assert run("batch", photos, "--ref", ref, "-o", tmp_path / "o").code == 0
    assert pipeline.rendered == [("ref.png", "pencil")] * 2


def test_an_unknown_domain_leaves_no_output_folder(run, photos, tmp_path):
    assert run("batch", photos, "--domain", "qq", "-o", tmp_path / "o").code == 6
    assert not (tmp_path / "o").exists()


def test_quiet_says_only_failures(batch, photos):
    picture(photos / "black.png", 0)
    result, _, _ = batch("-q")
    assert result.err == "black.png: No face was found in black.png.\n"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_failures_are_said_above_the_bar_in_a_terminal(photos, tmp_path):
    picture(photos / "black.png", 0)
    reader, writer = os.openpty()
    args = ["batch", photos, "--ref", photos / "a.jpg", "--domain", "none", "-o", tmp_path / "o"]
    tests = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, tests / "fakes.py", *args],
        env=os.environ | {"PYTHONPATH": str(tests.parent), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=writer,
        check=False,
    )
    os.close(writer)
    shown = os.read(reader, 1 << 20).decode()
    os.close(reader)
    assert done.returncode == 3 and done.stdout.endswith(b"results.jsonl\n")
    assert "3/3" in shown and "━" in shown
    assert "\x1b[2Kblack.png: No face was found in black.png.\r\n" in shown
