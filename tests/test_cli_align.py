from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hasnet_cli import factory
from hasnet_models import image_io


@pytest.fixture
def no_faces(monkeypatch):
    """A detector that finds nothing."""
    nothing = SimpleNamespace(detect=lambda rgb: [])
    monkeypatch.setattr(factory, "load_detector", lambda backend: nothing)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "me.png"
    image_io.write(np.full((80, 60, 3), (10, 120, 230), np.uint8), path)
    return path


def test_an_aligned_picture_becomes_512_px(run, no_faces, photo):
    code, out, _ = run("align", photo, "--face", "aligned", "-o", ".")
    assert (code, out) == (0, "me-aligned.png\n")
    crop = image_io.read("me-aligned.png").rgb
    assert crop.shape == (512, 512, 3)
    assert np.abs(crop.astype(int) - (10, 120, 230)).max() <= 1


def test_no_face_is_4_and_nothing_is_written(run, no_faces, photo, tmp_path):
    code, out, err = run("align", photo, "-o", "x.png")
    assert (code, out) == (4, "") and "me.png" in err
    assert list((tmp_path / "here").iterdir()) == []


def test_the_photo_is_never_written_over(run, no_faces, photo):
    before = photo.read_bytes()
    assert run("align", photo, "--face", "aligned", "-o", photo).code == 2
    assert photo.read_bytes() == before


@pytest.mark.parametrize("args", [(), ("-o", "x.nope"), ("-o", "no/folder/x.png")])
def test_a_wrong_output_is_2(run, no_faces, photo, args):
    assert run("align", photo, "--face", "aligned", *args).code == 2
