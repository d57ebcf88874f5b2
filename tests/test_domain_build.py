"""A domain out of pictures: what is used, what is left out and why, and what is never lost."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import face_at
from PIL import Image

from hasnet_cli import factory
from hasnet_models import image_io
from hasnet_models.atomic import TEMPORARY_GLOB
from hasnet_models.authoring import building, references
from hasnet_models.authoring.distinct import copies
from hasnet_models.face.types import FaceMesh
from hasnet_models.plugins import Domain
from hasnet_models.topology.mean_face import mean_face
from hasnet_models.topology.zones import zone_maps

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER, PACKAGE = "hasnet-domain-woodcut", "hasnet_domain_woodcut"


class SeesLight:
    """Finds one face that fills a picture, but none in a dark one."""

    def detect(self, rgb):
        scale = 512 / min(rgb.shape[:2])
        return [face_at(np.array([[scale, 0, 0], [0, scale, 0]]))] if rgb.mean() > 40 else []


def embed(crop: np.ndarray) -> np.ndarray:
    vector = crop[::64, ::64].astype(np.float32).ravel() - 127.5
    return vector / np.linalg.norm(vector)


class Shapeless:
    """Knows nothing of a face but its zones."""

    def known(self, aligned, rgb=None):
        return replace(aligned, zones=zone_maps(None))


@pytest.fixture(autouse=True)
def without_networks(request, monkeypatch):
    if request.node.get_closest_marker("slow"):
        return
    monkeypatch.setattr(factory, "load_detector", lambda backend: SeesLight())
    monkeypatch.setattr(references, "Geometry", Shapeless)
    monkeypatch.setattr(references, "_embedded", lambda: embed)


def patches(seed: int, side: int = 96) -> np.ndarray:
    """A picture of some large spots, another for each seed."""
    small = np.random.default_rng(seed).integers(30, 256, (6, 6, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four pictures, one of them in a folder of its own."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for number, name in enumerate(["a.png", "b.png", "c.png", "more/d.png"]):
        image_io.write(patches(number), folder / name)
    return folder


def test_a_built_domain_is_used_by_its_folder(run, pipeline, pictures):
    code, out, err = run("domain", "build", "woodcut", pictures)
    assert (code, out) == (0, f"{FOLDER}\n")
    assert "4 references from 4 faces in 4 pictures" in err and f"--domain ./{FOLDER}" in err
    domain = Domain.from_folder(Path(FOLDER, PACKAGE))
    assert domain.reference_names == tuple(f"woodcut-{i:02d}" for i in range(1, 5))
    assert {one.source for one in domain.references} == {"own pictures"}  # no file's name
    code, out, _ = run("avatar", pictures / "a.png", "--domain", f"./{FOLDER}", "--reference", "2")
    assert (code, out) == (0, "a-woodcut.png\n")
    assert pipeline.rendered == [("woodcut-02", "woodcut")]
    assert "4 | own pictures | not stated" in Path(FOLDER, "ORIGIN.md").read_text()


def test_what_is_left_out_is_named_with_the_reason(run, pictures):
    image_io.write(np.zeros((96, 96, 3), np.uint8), pictures / "dark.png")
    image_io.write(patches(9, 18), pictures / "small.png")
    image_io.write(patches(1, 192), pictures / "large.jpg", quality=60)
    (pictures / "e.png").write_bytes((pictures / "a.png").read_bytes())
    (pictures / "junk.jpg").write_bytes(b"junk")
    code, _, err = run("domain", "build", "woodcut", pictures)
    lines = dict(
        line.removeprefix("left out: ").split(": ", 1)
        for line in err.splitlines()
        if line.startswith("left out: ")
    )
    assert code == 0 and "4 references from 4 faces in 9 pictures" in err
    assert lines.keys() == {"dark.png", "small.png", "large.jpg", "e.png", "junk.jpg"}
    assert "no face" in lines["dark.png"] and "18x18 px" in lines["small.png"]
    assert lines["e.png"] == "a copy of a.png"
    assert lines["large.jpg"] == "the same picture as b.png"


def black(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        image_io.write(np.zeros((96, 96, 3), np.uint8), path)


def one(folder: Path) -> None:
    for name in ("b.png", "c.png", "more/d.png"):
        (folder / name).unlink()


def twins(folder: Path) -> None:
    one(folder)
    (folder / "twin.png").write_bytes((folder / "a.png").read_bytes())


def junk(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))


def nothing(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        (nothing, 2, "There are no pictures"),
        (black, 4, "None of the 4 pictures"),
        (junk, 4, "None of the 4 pictures"),
        (one, 2, "has 1 face that can be used; 2 are the least"),
        (twins, 2, "has 1 face that can be used; 2 are the least"),
    ],
)
def test_too_few_faces_are_one_sentence_and_nothing_is_left(run, pictures, change, code, sentence):
    change(pictures)
    result = run("domain", "build", "woodcut", pictures)
    assert result.code == code and sentence in result.err and result.out == ""
    assert "Traceback" not in result.err and list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("../woodcut", "PICTURES"), 2, "cannot be the name"),
        (("Wood cut", "PICTURES"), 2, "cannot be the name"),
        (("none", "PICTURES"), 2, "cannot be the name"),
        (("woodcut-", "PICTURES"), 2, "cannot be the name of a package"),
        (("w" * 41, "PICTURES"), 2, "cannot be the name of a package"),
        (("woodcut", "nowhere"), 2, "nowhere"),
        (("woodcut", "PICTURES", "--licence", "two\nlines"), 2, "one line of text"),
        (("woodcut", "PICTURES", "--title", ""), 2, "one line of text"),
        (("woodcut", "PICTURES", "--medium", "butter"), 2, "There is no medium 'butter'"),
        (("woodcut", "PICTURES", "-o", "/dev/null/x"), 1, "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    run, pictures, monkeypatch, words, code, sentence
):
    monkeypatch.setattr(factory, "load_detector", lambda backend: pytest.fail("work was done"))
    words = [pictures if word == "PICTURES" else word for word in words]
    result = run("domain", "build", *words)
    assert result.code == code and sentence in result.err, result.err
    assert list(Path().iterdir()) == []


def test_what_is_there_is_kept_unless_it_is_to_be_made_anew(run, pictures):
    assert run("domain", "build", "woodcut", pictures, "--title", "Old woodcuts").code == 0
    manifest = Path(FOLDER, PACKAGE, "domain.toml")
    before = manifest.read_bytes()
    Path(FOLDER, "README.md").write_text("mine")
    Path(FOLDER, PACKAGE, "head.safetensors").write_bytes(b"head")
    code, _, err = run("domain", "build", "woodcut", pictures)
    assert code == 2 and "is there already" in err and "--overwrite" in err
    assert manifest.read_bytes() == before
    (pictures / "a.png").unlink()
    code, _, err = run("domain", "build", "woodcut", pictures, "--overwrite", "--licence", "CC0")
    assert code == 0 and "3 references" in err
    said = tomllib.loads(manifest.read_text())
    assert (said["title"], said["licence"]) == ("Old woodcuts", "CC0") and "head" in said
    assert Path(FOLDER, "README.md").read_text() == "mine"
    assert Path(FOLDER, PACKAGE, "head.safetensors").read_bytes() == b"head"
    assert len(Domain.from_folder(Path(FOLDER, PACKAGE)).references) == 3


def test_a_folder_that_is_no_package_is_left_alone(run, pictures):
    Path(FOLDER).mkdir()
    Path(FOLDER, "thesis.txt").write_text("mine")
    for words in (("build", "woodcut", pictures, "--overwrite"), ("new", "woodcut")):
        code, _, err = run("domain", *words)
        assert code == 2 and "is there already" in err
    assert [path.name for path in Path(FOLDER).iterdir()] == ["thesis.txt"]


def test_a_skeleton_is_filled_and_keeps_its_text(run, pictures):
    assert run("domain", "new", "woodcut", "--licence", "CC0").out == f"{FOLDER}\n"
    manifest = Path(FOLDER, PACKAGE, "domain.toml")
    assert not Path(FOLDER, PACKAGE, "references.safetensors").exists()
    table = "\n[shape]\nstrength = 0.5\n\n[medium]\nkind = 'ink'\nline = 0.5\n"
    manifest.write_text(manifest.read_text() + table)
    Path(FOLDER, "LICENSE").write_text("mine")
    assert run("domain", "new", "woodcut").code == 2
    assert run("domain", "build", "woodcut", pictures).code == 0
    domain = Domain.from_folder(manifest.parent)
    assert domain.licence == "CC0" and domain.shaping.strength == 0.5
    assert dict(domain.medium) == {"kind": "ink", "line": 0.5}
    assert Path(FOLDER, "LICENSE").read_text() == "mine"


def test_a_named_medium_is_fitted(run, pictures):
    assert run("domain", "build", "woodcut", pictures, "--medium", "film").code == 0
    assert dict(Domain.from_folder(Path(FOLDER, PACKAGE)).medium)["kind"] == "film"


def test_an_interrupted_build_leaves_nothing(run, pictures, monkeypatch):
    class Interrupted(SeesLight):
        def detect(self, rgb):
            raise KeyboardInterrupt

    monkeypatch.setattr(factory, "load_detector", lambda backend: Interrupted())
    code, out, err = run("domain", "build", "woodcut", pictures)
    assert code == 130 and out == "" and "Interrupted" in err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_build_that_fails_while_it_writes_leaves_what_was_there(
    run, pictures, monkeypatch, error
):
    def fail(*_args):
        raise error

    run("domain", "build", "woodcut", pictures)
    before = {path: path.read_bytes() for path in Path(FOLDER).rglob("*") if path.is_file()}
    (pictures / "a.png").unlink()
    monkeypatch.setattr(building, "write_domain", fail)
    assert run("domain", "build", "woodcut", pictures, "--overwrite").code in (1, 130)
    assert {p: p.read_bytes() for p in Path(FOLDER).rglob("*") if p.is_file()} == before
    assert list(Path().glob(TEMPORARY_GLOB)) == []


def test_the_document_names_the_picture_of_each_reference(run, pictures):
    found = json.loads(run("domain", "build", "woodcut", pictures, "--json").out)
    assert found["schema"] == 1 and found["output"] == FOLDER and found["pictures"] == 4
    assert {one["picture"] for one in found["references"]} == {
        "a.png", "b.png", "c.png", "more/d.png",
    }  # fmt: skip


def test_the_same_picture_is_known_in_another_size_and_light(tmp_path):
    image_io.write(patches(1), tmp_path / "a.png")
    image_io.write(patches(2), tmp_path / "b.png")
    darker = (patches(1, 48) * 0.8).astype(np.uint8)
    image_io.write(darker, tmp_path / "c.jpg", quality=70)
    assert copies(tmp_path, ["a.png", "b.png", "c.jpg"]) == {"c.jpg": "a.png"}
    assert copies(tmp_path, []) == {}


@pytest.mark.slow
def test_real_faces_have_a_shape_of_their_own(run, tmp_path):
    portrait = image_io.read(Path(__file__).parents[1] / "examples" / "astronaut.png").rgb
    folder = tmp_path / "pictures"
    folder.mkdir()
    image_io.write(portrait, folder / "a.png")
    image_io.write(portrait[:, ::-1], folder / "b.jpg")
    image_io.write(portrait[:300, 60:400], folder / "a-cut.png")
    code, _, err = run("domain", "build", "woodcut", folder)
    assert code == 0 and "a.png: the same picture as a-cut.png" in err, err
    domain = Domain.from_folder(Path(FOLDER, PACKAGE))
    assert len(domain.references) == 2 and domain.reference_set.shape is not None
    assert all(one.shape is not None for one in domain.references)


class Drawn(Shapeless):
    """Places the mean face, as roughly as the parts of a drawn face are found."""

    def known(self, aligned, rgb=None):
        mesh = FaceMesh((mean_face() * [1, 1.2, 1]).astype(np.float32), 0.9, references.BOXES)
        return replace(super().known(aligned), mesh=mesh)


def test_drawn_faces_give_their_domain_its_shape(run, pictures, monkeypatch):
    monkeypatch.setattr(references, "Geometry", Drawn)
    assert run("domain", "build", "woodcut", pictures).code == 0
    domain = Domain.from_folder(Path(FOLDER, PACKAGE))
    assert all(one.appearance is not None for one in domain.references)
    assert np.abs(domain.reference_set.shape).max() > 0.01
    assert (domain.shaping.domain, domain.shaping.own) == (1.0, 0.0)
