"""Contact sheets: the grid, and `hasnet sheet`."""

from __future__ import annotations

import numpy as np
import pytest

from hasnet_cli import factory
from hasnet_models import fonts, image_io
from hasnet_models.sheet import caption_cell, palette_cell, sheet


def flat(level: int, side: int = 16) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def test_cells_stand_in_rows_and_columns_on_white():
    out = sheet([[flat(0), flat(100)], [None, flat(200, 64)]], side=8, gap=2)
    assert out.shape == (22, 22, 3)
    assert (out[2:10, 2:10] == 0).all() and (out[2:10, 12:20] == 100).all()
    assert (out[12:20, 2:10] == 255).all() and (out[12:20, 12:20] == 200).all()


def test_a_palette_cell_shows_every_colour_and_a_name():
    palette = np.arange(60, dtype=np.uint8).reshape(20, 3)
    cell = palette_cell(palette, "pencil-01", 128)
    assert cell.shape == (128, 128, 3)
    shown = {tuple(pixel) for pixel in cell.reshape(-1, 3)}
    assert {tuple(colour) for colour in palette} <= shown
    assert (cell[110:] < 128).any()


@pytest.mark.parametrize("caption", ["", "x" * 500, "лицо 你 [red]", "a\nb\x07", "\udce9"])
def test_any_caption_fits(caption):
    assert caption_cell(caption, 32).shape == (32, 32, 3)


def test_no_letter_of_a_caption_is_a_box(monkeypatch):
    """With the fonts that are here, and with Pillow's own alone."""
    texts = ("лицо 你好", "Łódź ệ", "שלום", "한국", "a\nb")
    for names in (fonts._NAMES, ()):
        monkeypatch.setattr(fonts, "_NAMES", names)
        for text in texts:
            font = fonts.font_for(text, 14)
            assert all(fonts.has(font, letter) for letter in fonts.shown(text, font))


def test_what_a_font_has_stays_and_the_rest_is_readable():
    own = fonts.ImageFont.load_default(14)
    assert fonts.shown("pencil 01", own) == "pencil 01"
    assert fonts.shown("\uff21\u4f60\n", own) == "A\\u4f60\\n"


@pytest.fixture
def photos(run, site, pipeline, monkeypatch):
    """Two photos, and how often the networks were loaded."""
    loads = []
    monkeypatch.setattr(factory, "load_pipeline", lambda *args: loads.append(args) or pipeline)
    site.install("pencil")
    for name, level in (("a.png", 200), ("b.png", 220), ("black.png", 0)):
        image_io.write(flat(level, 20), name)
    return loads


def test_photos_by_references(run, photos, pipeline):
    args = ("--domain", "pencil", "--reference", "1", "--reference", "likest", "--side", "32")
    assert run("sheet", "a.png", "b.png", *args).out == "sheet.png\n"
    assert image_io.read("sheet.png").rgb.shape == (3 * 34 + 2, 3 * 34 + 2, 3)
    assert len(photos) == 1
    assert [name for name, _ in pipeline.rendered][::2] == ["pencil-01", "pencil-01"]


def test_pictures_as_references_and_the_default_ones(run, photos, pipeline):
    args = ("--domain", "pencil", "--ref", "b.png", "--side", "32", "-o", "s.png")
    assert run("sheet", "a.png", *args).code == 0
    assert [name for name, _ in pipeline.rendered] == ["pencil-01", "pencil-02", "b.png"]
    assert image_io.read("s.png").rgb.shape == (70, 4 * 34 + 2, 3)


def test_stages(run, photos):
    args = ("--domain", "pencil", "--reference", "1", "--stages", "--side", "32")
    assert run("sheet", "a.png", "b.png", *args).code == 0
    assert image_io.read("sheet.png").rgb.shape == (3 * 34 + 2, 7 * 34 + 2, 3)


def test_a_photo_that_fails_is_left_out(run, photos):
    args = ("--domain", "pencil", "--side", "32")
    code, out, err = run("sheet", "a.png", "black.png", *args)
    assert (code, out) == (3, "sheet.png\n") and "black.png: No face" in err
    assert image_io.read("sheet.png").rgb.shape[0] == 2 * 34 + 2


def test_nothing_made_is_1_and_leaves_no_file(run, photos, tmp_path):
    assert run("sheet", "black.png", "--domain", "pencil").code == 1
    assert not (tmp_path / "here" / "sheet.png").exists()


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("a.png",), 2),
        ((), 2),
        (("a.png", "--domain", "pencil", "-o", "a.png"), 2),
        (("a.png", "--domain", "pencil", "--side", "3"), 2),
        (("a.png", "--domain", "pensil"), 6),
        (("a.png", "--domain", "pencil", "--reference", "99"), 6),
    ],
)
def test_what_makes_no_sense_is_refused(run, photos, args, code):
    assert run("sheet", *args).code == code and photos == []
