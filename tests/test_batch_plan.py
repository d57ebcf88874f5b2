"""A batch refuses as a whole what cannot work, before the first photo."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import picture
from hypothesis import given
from hypothesis import strategies as st

from hasnet_models.batch import Plan, Shard, checked_items
from hasnet_models.errors import UsageError


@pytest.fixture
def photos(tmp_path, site, pipeline):
    site.install("pencil")
    for name in ("a.jpg", "b/c.png", "b/d.webp"):
        picture(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def refused(run, photos, pipeline):
    """Run a batch that is to be refused; gives the sentence."""

    def call(out, *more, folder=photos):
        result = run("batch", folder, "--domain", "pencil", "-o", out, *more)
        assert result.code == 2 and "Traceback" not in result.err and result.out == ""
        assert pipeline.rendered == []
        return result.err

    return call


@pytest.mark.parametrize("pair", [("x.jpg", "x.PNG"), ("X.jpg", "x.png"), ("b/e.gif", "b/E.bmp")])
def test_two_photos_with_one_target(refused, photos, tmp_path, pair):
    for name in pair:
        picture(photos / name.replace("PNG", "png")).rename(photos / name)
    assert "would both become" in refused(tmp_path / "out")


def test_a_target_that_is_a_photo(refused, photos, tmp_path):
    picture(tmp_path / "photos" / "photos" / "b" / "c.png")
    err = refused(tmp_path, folder=photos)
    assert "is a photo of yours" in err


def test_links_do_not_lead_onto_a_photo(refused, photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b").symlink_to(photos / "b", target_is_directory=True)
    assert "is a photo of yours" in refused(out)


def test_pictures_of_somebody_else_stay(run, refused, photos, tmp_path):
    mine = picture(tmp_path / "out" / "b" / "d.png", 7)
    before = mine.read_bytes()
    assert "no avatars of this program: d.png" in refused(tmp_path / "out")
    assert mine.read_bytes() == before
    again = run("batch", photos, "--domain", "pencil", "-o", tmp_path / "out", "--overwrite")
    assert again.code == 0 and mine.read_bytes() != before


def test_a_full_disk(refused, tmp_path, monkeypatch):
    usage = SimpleNamespace(total=10**9, used=10**9, free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    err = refused(tmp_path / "out")
    assert "3 avatars need" in err and "0 MiB left" in err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert "cannot be written" in refused(tmp_path / "out")


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_shards_that_make_no_sense(refused, tmp_path, text):
    assert "shard" in refused(tmp_path / "out", "--shard", text)


@pytest.mark.parametrize(
    "more",
    [
        ("--watch", "--dry-run"),
        ("--watch", "--engine", "ray"),
        ("--json", "--jsonl"),
        ("--size", "5"),
        ("--size", "64", "--paste"),
        ("--batch", "0"),
        ("--face", "0"),
        ("--on-error", "cry"),
        ("--face", "like:nobody.png"),
    ],
)
def test_options_that_contradict(refused, tmp_path, more):
    refused(tmp_path / "out", *more)
    assert not (tmp_path / "out").exists()


def test_pipes_and_folders_with_a_pictures_suffix_are_passed_over(run, photos, tmp_path):
    os.mkfifo(photos / "pipe.png")
    (photos / "folder.png").mkdir()
    result = run("batch", photos, "--domain", "pencil", "-o", tmp_path / "out")
    assert result.code == 0 and "3 of 3" in result.err


def test_links_in_a_circle_end(run, photos, tmp_path):
    (photos / "b" / "again").symlink_to(photos, target_is_directory=True)
    assert run("batch", photos, "--domain", "pencil", "-o", tmp_path / "out").code == 0


def test_shards_share_all_photos(run, photos, tmp_path):
    for i in range(20):
        picture(photos / f"{i}.png", i + 20)
    codes = [
        run("batch", photos, "--domain", "pencil", "-o", tmp_path / "out", "--shard", f"{i}/3").code
        for i in (1, 2, 3)
    ]
    assert codes == [0, 0, 0]
    files = [p for p in (tmp_path / "out").rglob("*.png")]
    assert len(files) == 23
    assert len(list((tmp_path / "out").glob("results-*of3.jsonl"))) == 3
    whole = run("batch", photos, "--domain", "pencil", "-o", tmp_path / "out")
    assert "23 of them by an earlier run" in whole.err


@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.integers(1, 9))
def test_every_photo_is_in_one_shard(keys, count):
    shards = [Shard(i, count) for i in range(1, count + 1)]
    assert all(sum(shard.holds(key) for shard in shards) == 1 for key in keys)


def test_a_plan_from_python(photos, tmp_path):
    items = checked_items(Plan(photos, tmp_path / "out"))
    assert [item.key for item in items] == ["a.jpg", "b/c.png", "b/d.webp"]
    assert items[2].target == tmp_path / "out" / "b" / "d.png"
    with pytest.raises(UsageError, match="no photos"):
        checked_items(Plan(tmp_path / "site", tmp_path / "out"))


def test_the_example_for_python_runs(photos, tmp_path, site, pipeline, monkeypatch, capsys):
    page = (Path(__file__).parents[1] / "docs" / "batch.md").read_text(encoding="utf-8")
    example = page.split("```python")[1].split("```")[0]
    site.install("sketch")
    picture(photos / "black.png", 0)
    monkeypatch.chdir(tmp_path)
    networks = SimpleNamespace(AvatarPipeline=SimpleNamespace(load=lambda *_: pipeline))
    monkeypatch.setitem(sys.modules, "hasnet_models.avatar.pipeline", networks)
    records = []
    for expected in ("3 0 1", "0 3 1"):
        exec(example, {})
        assert capsys.readouterr().out.splitlines()[-1] == expected
        records.append((tmp_path / "avatars" / "results.jsonl").read_text(encoding="utf-8"))
    # What an earlier run did is no news: no line is added, none says "skipped".
    assert records[0] == records[1] and records[0].count("\n") == 4
    assert "skipped" not in records[0]
    assert len(list((tmp_path / "avatars").rglob("*.png"))) == 3 == len(pipeline.rendered)
