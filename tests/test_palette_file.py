"""Palettes of the user's own, and what is none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hasnet_models import image_io
from hasnet_models.controls.palette_file import (
    gimp_text,
    json_colours,
    of_colours,
    read_palette,
)
from hasnet_models.controls.swatches import SIDE, swatches
from hasnet_models.errors import HasnetError, ImageError, UsageError

PALETTE = np.random.default_rng(0).integers(0, 256, (20, 3), dtype=np.uint8)
SHARES = np.random.default_rng(0).dirichlet(np.ones(20), 6).T.astype(np.float32)


def written(tmp_path, text, name="p.gpl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_gimp_palette_comes_back(tmp_path):
    found = read_palette(written(tmp_path, gimp_text(PALETTE, "a\nb")))
    np.testing.assert_array_equal(found.colours, PALETTE)
    assert found.shares is None and found.notes == ()


def test_gimp_palettes_of_other_programs(tmp_path):
    lines = ("\ufeffGIMP Palette", "Name: Sky", "Columns: 0", "# a", "", "255 0 10", "1 2 3 blue")
    text = "\r\n".join(lines)
    found = read_palette(written(tmp_path, text))
    assert found.colours[:4].tolist() == [[255, 0, 10], [1, 2, 3]] * 2
    assert found.notes == ("The palette p.gpl has 2 colours, repeated to 20.",)


def test_what_palette_prints_comes_back(tmp_path):
    text = json.dumps({"schema": 1, "colours": json_colours(PALETTE, SHARES)})
    found = read_palette(written(tmp_path, text, "p.json"))
    np.testing.assert_array_equal(found.colours, PALETTE)
    np.testing.assert_allclose(found.shares, SHARES, atol=1e-3)
    assert "shares" not in json_colours(PALETTE, None)[0]


@pytest.mark.parametrize(
    "text",
    [
        '["#fff", "navy"]',
        "[[255, 255, 255], [0, 0, 128]]",
        '{"colours": [{"rgb": [255, 255, 255]}, "#000080"]}',
    ],
)
def test_plain_lists_of_colours(tmp_path, text):
    found = read_palette(written(tmp_path, text))
    assert found.colours[:2].tolist() == [[255, 255, 255], [0, 0, 128]] and found.shares is None


def test_repeated_colours_share_their_shares():
    shares = np.array([[1, 0, 0.5, 0, 0, 0], [0, 1, 0.5, 0, 0, 0]], np.float32)
    found = of_colours([(1, 1, 1), (2, 2, 2)], shares, "p").shares
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(found[0, :3], [0.1, 0, 0.05])
    np.testing.assert_allclose(found[:, 3:], 0.05)


def test_too_many_colours_are_cut():
    found = of_colours([(i, 0, 0) for i in range(30)], None, "p")
    assert found.colours[-1].tolist() == [19, 0, 0]
    assert found.notes == ("The palette p has 30 colours, cut to the first 20.",)


@pytest.mark.parametrize(
    "text",
    [
        "GIMP Palette\n",
        "GIMP Palette\n1 2\n",
        "GIMP Palette\n1 2 300\n",
        "GIMP Palette\nred green blue\n",
        "GIMP Palette\n" + "1 2 3\n" * 5000,
        "{",
        "[]",
        "{}",
        '{"colours": 3}',
        '{"colours": [3]}',
        '{"colours": [[1, 2]]}',
        '{"colours": [[1, 2, "x"]]}',
        '{"colours": ["blau"]}',
        '{"colours": [{"hex": "#fff", "shares": {"skin": -1}}]}',
        '{"colours": [{"hex": "#fff", "shares": {"skin": "x"}}]}',
        '{"colours": [{"hex": "#fff", "shares": {"skin": NaN}}]}',
        '{"colours": [{"hex": "#fff", "shares": 3}]}',
        "[" * 100000,
    ],
)
def test_bad_palettes_in_one_sentence(tmp_path, text):
    with pytest.raises(ImageError) as caught:
        read_palette(written(tmp_path, text, "bad.json"))
    message = str(caught.value)
    assert "bad.json" in message and message.endswith(".") and "\n" not in message


def test_other_files_may_be_pictures(tmp_path):
    path = tmp_path / "a.png"
    image_io.write(np.zeros((4, 4, 3), np.uint8), path)
    assert read_palette(path) is None
    assert read_palette(written(tmp_path, b"\x00\xff")) is None
    assert read_palette(written(tmp_path, b"")) is None


@pytest.mark.parametrize("name", ["none.gpl", ".", "a\0b"])
def test_a_palette_that_is_not_there(tmp_path, name):
    with pytest.raises(HasnetError) as caught:
        read_palette(tmp_path / name)
    assert isinstance(caught.value, UsageError) and caught.value.parameters == ("palette",)


def test_a_picture_of_a_palette():
    row = swatches(PALETTE, None)
    assert row.shape == (SIDE, 20 * SIDE, 3)
    zones = swatches(PALETTE, SHARES)
    assert zones.shape == (7 * SIDE, 20 * SIDE, 3)
    np.testing.assert_array_equal(zones[:SIDE], row)
    first = zones[SIDE + 5, 2 * SIDE + 1]
    np.testing.assert_array_equal(first, PALETTE[SHARES[:, 0].argmax()])
