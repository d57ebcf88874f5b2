"""Avatars from Python: same kind in and out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import FakePipeline
from PIL import Image

import hasnet_models
from hasnet_models import Avatar, image_io
from hasnet_models.avatar import api
from hasnet_models.errors import DomainError, ImageError, NoFaceError, UsageError


@pytest.fixture
def pipeline(monkeypatch, site):
    fake = FakePipeline()
    monkeypatch.setattr(api, "_load", lambda *_: fake)
    site.install("pencil")
    return fake


@pytest.fixture
def face(tmp_path):
    path = tmp_path / "me.png"
    image_io.write(np.full((20, 24, 3), 200, np.uint8), path)
    return path


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_in_a_saveable_avatar_out(pipeline, face, tmp_path, kind):
    made = Avatar(domain="pencil")(kind(face))
    assert made.save(tmp_path / "out.png") == tmp_path / "out.png"
    assert made.domain == "pencil" and made.reference.startswith("pencil-")
    assert len(made.palette) == 20 and made.array.shape == (16, 16, 3)
    assert image_io.read_metadata(tmp_path / "out.png") == made.metadata
    assert (image_io.read(tmp_path / "out.png").rgb == made.array).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "CMYK", "I;16"])
def test_a_pillow_picture_in_a_pillow_picture_out(pipeline, mode):
    image = Image.new(mode, (24, 20), 40_000 if mode == "I;16" else None)
    image = image if mode == "I;16" else Image.new("L", (24, 20), 200).convert(mode)
    before = image.tobytes()
    out = Avatar(domain="pencil")(image)
    assert isinstance(out, Image.Image) and out.mode == "RGB" and image.tobytes() == before


@pytest.mark.parametrize("shape", [(20, 24, 3), (20, 24)])
def test_an_array_in_an_array_out(pipeline, shape):
    out = Avatar(domain="pencil", reference=2)(np.full(shape, 200, np.uint8))
    assert isinstance(out, np.ndarray) and out.shape == (16, 16, 3)
    assert pipeline.rendered == [("pencil-02", "pencil")]


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused_in_one_sentence(pipeline, array):
    with pytest.raises(UsageError, match=r"uint8 \(H, W, 3\)"):
        Avatar(domain="pencil")(array)


def test_the_networks_are_loaded_once_and_not_before_they_are_needed(monkeypatch, site, face):
    loaded = []
    monkeypatch.setattr(api, "_load", lambda *args: loaded.append(args) or FakePipeline())
    site.install("pencil")
    avatar = Avatar(domain="pencil", device="cpu")
    assert loaded == []
    avatar(face), avatar(face)
    assert loaded == [("cpu", "embedded", "auto")]


def test_notes_can_be_heard(pipeline, face):
    heard = []
    Avatar(ref=face, say=heard.append)(face)
    assert any("nearest to domain 'pencil'" in text for text in heard)


def test_chance_gives_each_picture_a_reference_of_its_own(pipeline):
    pictures = [np.full((20, 24, 3), level, np.uint8) for level in range(20, 200, 9)]

    def names(look, order):
        pipeline.rendered.clear()
        for picture in order:
            look(picture)
        return [name for name, _ in pipeline.rendered]

    first = names(Avatar(domain="pencil", reference="random", seed=5), pictures)
    assert set(first) == {"pencil-01", "pencil-02", "pencil-03"}
    # Neither the order nor the other pictures matter; the seed does.
    assert names(Avatar(domain="pencil", reference="random", seed=5), pictures[::-1]) == first[::-1]
    assert names(Avatar(domain="pencil", reference="random", seed=6), pictures) != first
    assert len(set(names(Avatar(domain="pencil", reference="random"), pictures))) > 1


def test_a_portrait_knows_its_stages(pipeline, face):
    portrait = Avatar(domain="pencil", size=40)(face)
    assert portrait.array.shape == (40, 40, 3) and portrait.steps.x_tt.shape == (16, 16, 3)
    assert portrait.palette[0] == "#{:02x}{:02x}{:02x}".format(*portrait.colours[0])
    assert portrait.source.path == face and "array" not in repr(portrait)


def test_errors_are_the_library_s_own(pipeline, face, tmp_path):
    with pytest.raises(UsageError):
        Avatar()
    with pytest.raises(UsageError, match="several"):
        Avatar(domain="pencil", face="all")
    with pytest.raises(DomainError, match="pensil"):
        Avatar(domain="pensil")(face)
    with pytest.raises(NoFaceError):
        Avatar(domain="pencil")(np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "bad.jpg").write_bytes(b"junk")
    with pytest.raises(ImageError):
        Avatar(domain="pencil")(tmp_path / "bad.jpg")
    with pytest.raises(UsageError, match="input itself"):
        Avatar(domain="pencil")(face).save(face)


def test_the_package_offers_it_without_importing_torch():
    code = (
        "import sys, hasnet_models; before = set(sys.modules); hasnet_models.Avatar\n"
        "sys.exit(bool({'numpy', 'PIL', 'torch'} & before or 'torch' in sys.modules))"
    )
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
    with pytest.raises(AttributeError):
        _ = hasnet_models.Avatars
