"""What an avatar says about itself, and that it can be made again."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from hasnet_models import __version__, image_io
from hasnet_models.avatar.provenance import matrix_of, z_id_of


@pytest.fixture
def here(run, site, pipeline):
    """`hasnet` in a folder with a photo, and one domain."""
    site.install("pencil")
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "my face.png")
    return run


def explained(run, path):
    return json.loads(run("explain", path, "--json").out)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_the_record_says_all_that_made_it(here, pipeline, suffix):
    here("avatar", "my face.png", "--domain", "pencil", "-o", "a" + suffix)
    document = explained(here, "a" + suffix)
    record = document["record"]
    assert document["schema"] == 1 and record["version"] == __version__
    assert record["input"] == "my face.png" and len(record["input_sha256"]) == 64
    assert record["domain"] == "pencil" and record["reference"].startswith("pencil-")
    assert len(record["palette"]) == 20 and record["device"] == "cpu"
    assert "seed" not in record
    assert z_id_of(record).shape == (192,)
    assert matrix_of(record).shape == (2, 3)


def test_the_vectors_are_kept_to_the_bit(here, pipeline):
    here("avatar", "my face.png", "--ref", "my face.png", "-o", "a.png")
    reference, _ = pipeline.reference_from_image(image_io.read("my face.png"))
    assert (z_id_of(image_io.read_metadata("a.png")) == reference.z_id).all()


@pytest.mark.parametrize(
    "options",
    [
        ("--domain", "pencil"),
        ("--domain", "pencil", "--reference", "random"),
        ("--domain", "pencil", "--reference", "3", "--face", "1,1,9,9"),
        ("--domain", "pencil", "--size", "40"),
        ("--domain", "pencil", "--paste"),
        ("--ref", "my face.png"),
        ("--ref", "my face.png", "--domain", "none", "--ref-face", "aligned"),
    ],
)
def test_the_printed_command_makes_the_same_pixels(here, options):
    here("avatar", "my face.png", *options, "-o", "first.png")
    shown = here("explain", "first.png").out.splitlines()[-1]
    command = shlex.split(shown.removeprefix("command"))
    assert command[0] == "hasnet"
    assert here(*command[1:]).out == "first-again.png\n"
    first, again = (image_io.read(name).rgb for name in ("first.png", "first-again.png"))
    assert (first == again).all()
    assert (
        image_io.read_metadata("first.png")["z_id"]
        == image_io.read_metadata("first-again.png")["z_id"]
    )


def test_one_of_several_faces_is_made_again(here):
    here("avatar", "my face.png", "--domain", "pencil", "--face", "all", "-o", "a.png")
    assert "--face 2" in explained(here, "a-2.png")["command"]


def test_a_seed_is_recorded_where_it_chose(here):
    args = ("--domain", "pencil", "--reference", "random", "--seed", "5")
    here("avatar", "my face.png", *args, "-o", "a.png")
    assert explained(here, "a.png")["record"]["seed"] == "5"


def test_folders_are_not_told(here, tmp_path):
    for option in (("--ref", tmp_path / "here" / "my face.png"), ("--domain", "pencil")):
        here("avatar", tmp_path / "here" / "my face.png", *option, "-o", "a.png")
        assert str(tmp_path) not in json.dumps(image_io.read_metadata("a.png"))


def test_what_starts_with_a_dash_is_made_again(here):
    shutil.copy("my face.png", "-x.png")
    here("avatar", "--domain", "pencil", "-o", "a.png", "--", "-x.png")
    command = shlex.split(explained(here, "a.png")["command"])
    assert here(*command[1:]).code == 0


def test_weights_of_another_installation_are_named(here, monkeypatch):
    from hasnet_models.avatar import provenance

    monkeypatch.setattr(provenance, "weights_hashes", lambda domain, **_: {"net": "old"})
    here("avatar", "my face.png", "--domain", "pencil", "-o", "a.png")
    monkeypatch.setattr(provenance, "weights_hashes", lambda domain, **_: {"net": "new"})
    assert explained(here, "a.png")["changed_weights"] == ["net"]
    assert "Not the weights installed here: net." in here("explain", "a.png").err


def test_a_domain_that_is_gone_is_named(here, site, monkeypatch):
    here("avatar", "my face.png", "--domain", "pencil", "-o", "a.png")
    monkeypatch.setenv("HASNET_PLUGINS", "")
    assert explained(here, "a.png")["changed_weights"] == ["domain pencil"]


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"weights": 3}'])
def test_a_record_with_damaged_parts_is_still_explained(here, text):
    metadata = {"version": "9", "options": text, "weights": text, "domain": "none"}
    image_io.write(np.zeros((4, 4, 3), np.uint8), "a.png", metadata=metadata)
    assert explained(here, "a.png")["command"].startswith("hasnet avatar PHOTO")


def test_a_picture_of_another_program_is_1(here):
    code, out, err = here("explain", "my face.png")
    assert (code, out) == (1, "") and "does not say how it was made" in err


def test_json_of_avatar_and_align(here):
    document = json.loads(here("avatar", "my face.png", "--domain", "pencil", "--json").out)
    (avatar,) = document["avatars"]
    assert document["schema"] == 1 and avatar["output"] == "my face-pencil.png"
    assert len(avatar["palette"]) == 20 and document["steps"] is None
    args = ("align", "my face.png", "--face", "aligned", "--json", "-o")
    document = json.loads(here(*args, "c.png").out)
    assert document["output"] == "c.png" and document["face"] is None
    assert np.shape(document["matrix"]) == (2, 3)
    for command in (args, ("avatar", "my face.png", "--domain", "pencil", "--json", "-o")):
        result = here(*command, "-")
        assert result.code == 2 and result.out == ""


def test_quality_makes_smaller_files(here):
    rng = np.random.default_rng(0)
    image_io.write(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8), "noise.png")
    sizes = []
    for quality in (20, 95):
        here("align", "noise.png", "--face", "aligned", "-o", "q.jpg", "--quality", quality)
        sizes.append(Path("q.jpg").stat().st_size)
    assert sizes[0] < sizes[1] / 2
