"""The page that shows a batch, and what a browser makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hasnet_cli import page as batch_page
from hasnet_models import image_io

ODD = "a<b>&\"q' ü.png"


@pytest.fixture
def batch(run, site, pipeline, tmp_path):
    """A batch of five: two good ones, one with an odd name, one without a face, one broken."""
    site.install("pencil")
    photos = tmp_path / "photos"
    (photos / "deep").mkdir(parents=True)
    for name, level in (("one.png", 200), ("deep/two.jpg", 180), (ODD, 220), ("black.png", 0)):
        image_io.write(np.full((20, 24, 3), level, np.uint8), photos / name)
    (photos / "broken.jpg").write_bytes(b"junk")
    assert run("batch", photos, "--domain", "pencil", "-o", "out").code == 3
    return photos


class Page(HTMLParser):
    """What the tests want of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.images += [value for key, value in attrs if tag == "img" and key == "src"]

    def handle_data(self, data):
        self.text += data


def page(path: Path = Path("out/report.html")) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_shows_each_photo_and_each_failure(run, batch):
    assert run("report", "out", "--photos", batch).out == "out/report.html\n"
    found = page()
    assert found.tags.count("article") == 3 and found.tags.count("input") == 3
    assert len(found.images) == 6 and found.tags.count("i") == 60
    for text in (ODD, "one.png", "deep/two.jpg", "pencil pencil-0", "No face was found in black"):
        assert text in found.text
    assert "3 done, 2 failed" in found.text


def test_nothing_is_fetched_from_elsewhere(run, batch):
    run("report", "out", "--photos", batch)
    text = Path("out/report.html").read_text(encoding="utf-8")
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in page().images)
    assert not re.search(r"(?:src|href)=[\"']?(?!data:)\w", text) and "url(" not in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


def test_without_the_photos_it_shows_the_avatars(run, batch):
    assert run("report", "out").code == 0
    assert len(page().images) == 3 and "input" not in page().tags


def test_a_folder_that_was_moved_still_shows(run, batch):
    shutil.move("out", "moved")
    run("report", "moved")
    assert len(page(Path("moved/report.html")).images) == 3


def test_files_that_are_gone_are_said(run, batch):
    (Path("out") / "one.png").unlink()
    (batch / "deep" / "two.jpg").unlink()
    assert run("report", "out", "--photos", batch).code == 0
    assert "There is no file" in page().text and len(page().images) == 3


def test_a_torn_line_is_passed_over_and_the_last_word_counts(run, batch):
    path = Path("out/results.jsonl")
    fixed = {"schema": 1, "input": "black.png", "status": "done", "outputs": {"one.png": ""}}
    path.write_text(path.read_text() + json.dumps(fixed) + '\n{"input": "torn')
    run("report", "out")
    assert "4 done, 1 failed" in page().text


def test_large_batches_keep_their_page_small(run, batch, monkeypatch):
    monkeypatch.setattr(batch_page, "MOST_PICTURES", 1)
    run("report", "out")
    assert len(page().images) == 1 and "2 more, without pictures" in page().text


def test_the_batch_writes_it_on_request(run, batch):
    args = ("batch", batch, "--domain", "pencil", "-o", "again", "--report")
    assert run(*args).code == 3
    assert len(page(Path("again/report.html")).images) == 6


@pytest.mark.parametrize("case", ["missing", "empty", "photos"])
def test_a_wrong_folder_is_2(run, batch, case):
    Path("empty").mkdir()
    args = ("out", "--photos", "nowhere") if case == "photos" else (case,)
    assert run("report", *args).code == 2


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
def test_a_browser_shows_it(run, batch, tmp_path):
    run("report", "out", "--photos", batch)
    shot = tmp_path / "shot.png"
    subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=900,900",
            f"--screenshot={shot}", Path("out/report.html").resolve().as_uri(),
        ],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    shown = image_io.read(shot).rgb
    palette = image_io.read_metadata("out/one.png")["palette"].split()
    for code in palette[:3]:
        colour = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)])
        assert (np.abs(shown.astype(int) - colour).max(axis=2) <= 2).sum() > 50, code
