"""Choosing a domain's references, writing them, and sealing a plugin."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from hasnet_models import image_io
from hasnet_models.authoring import references
from hasnet_models.authoring.references import make_references, training_rows
from hasnet_models.authoring.selection import Candidate, choose
from hasnet_models.errors import DomainError, ImageError, UsageError
from hasnet_models.plugins import Domain
from hasnet_models.plugins.reference import load_reference_set, load_references
from hasnet_models.plugins.seal import seal_plugin, sealed_manifest
from hasnet_models.topology.anime import anime_shape

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOOLS = Path(__file__).parents[1] / "tools"
COLUMNS = "domain\tsplit\tfile\tsource\tlicence\tidentity\n"


def pool(count: int) -> list[Candidate]:
    rng = np.random.default_rng(0)
    z_ids = rng.normal(size=(count, 8)) + 2
    z_ids[-1] = -5
    z_ids /= np.linalg.norm(z_ids, axis=1, keepdims=True)
    palettes = rng.integers(0, 256, (count, 20, 3), dtype=np.uint8)
    return [
        Candidate(f"{i}.png", "s", "l", palette, z_id)
        for i, (palette, z_id) in enumerate(zip(palettes, z_ids, strict=True))
    ]


def test_the_chosen_are_distinct_and_without_outliers():
    everyone = pool(60)
    chosen = [candidate.file for candidate in choose(everyone, 36)]
    assert len(set(chosen)) == 36 and "59.png" not in chosen
    assert chosen == [candidate.file for candidate in choose(everyone, 36)]


def test_a_small_pool_gives_what_it_has():
    assert len(choose(pool(10), 36)) == 10
    assert len(choose(pool(10), 5)) == 5


def test_strange_faces_are_left_out_while_there_are_others():
    everyone = [replace(one, strangeness=i % 5 == 0 or 0.0) for i, one in enumerate(pool(60))]
    assert not any(one.strangeness for one in choose(everyone, 36))
    unsure = [replace(one, strangeness=math.inf) for one in pool(60)]
    assert [one.file for one in choose(unsure, 36)] == [one.file for one in choose(pool(60), 36)]


def test_every_kind_gives_its_middle():
    flat = np.zeros((20, 3), np.uint8)
    angles = np.radians([0, 1, 2, 40, 41, 42])
    rows = [
        Candidate(str(i), "s", "l", flat, np.array([np.cos(angle), np.sin(angle)]))
        for i, angle in enumerate(angles)
    ]
    assert {candidate.file for candidate in choose(rows * 4, 2)} == {"1", "4"}


def test_only_training_rows_one_a_person(tmp_path):
    (tmp_path / "index.tsv").write_text(
        COLUMNS + "oil\ttrain\toil/b.jpg\ts\tl\tanna\n"
        'oil\ttrain\toil/a.jpg\ts\t"only" half quoted\tanna\n'
        "oil\tval\toil/c.jpg\ts\tl\tbert\n"
        "oil\ttrain\toil/d.jpg\ts\tl\t\n"
        "oil\ttrain\toil/e.jpg\ts\tl\t\n"
        "anime\ttrain\tanime/a.jpg\ts\tl\tcora\n"
    )
    found = [row["file"] for row in training_rows(tmp_path, "oil")]
    assert found == ["oil/a.jpg", "oil/d.jpg", "oil/e.jpg"]


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Six people of `oil` in pictures of two sizes, and one of another domain."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "faces"
    folder.mkdir()
    lines = [COLUMNS]
    for number in range(6):
        side = (48, 64)[number % 2]
        rgb = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        image_io.write(rgb, folder / f"{number}.png")
        lines.append(f"oil\ttrain\t{number}.png\tsource {number}\tCC0\tperson {number}\n")
    lines.append("anime\ttrain\t0.png\ts\tl\tx\n")
    (folder / "index.tsv").write_text("".join(lines))
    return folder


def embed(picture: np.ndarray) -> np.ndarray:
    """A z_id that depends on the picture, without a network."""
    vector = picture.reshape(-1, 3)[:64].astype(np.float32).ravel() - 127
    return vector / np.linalg.norm(vector)


def test_the_references_of_a_folder_are_written(faces, tmp_path):
    out = tmp_path / "r.safetensors"
    made = make_references(faces, "oil", out, count=3, embed=embed)
    assert [reference.name for reference in made] == ["oil-01", "oil-02", "oil-03"]
    assert {(r.name, r.source, r.licence) for r in load_references(out)} == {
        (r.name, r.source, "CC0") for r in made
    }
    first = out.read_bytes()
    make_references(faces, "oil", out, count=3, embed=embed)
    assert out.read_bytes() == first


def test_one_licence_for_all_can_be_given(faces, tmp_path):
    made = make_references(faces, "oil", tmp_path / "r", licence="MIT", embed=embed)
    assert {reference.licence for reference in made} == {"MIT"} and len(made) == 6


def test_a_source_can_be_left_out(faces, tmp_path):
    made = make_references(faces, "oil", tmp_path / "r", without=["source 1"], embed=embed)
    assert {one.source for one in made} == {f"source {number}" for number in (0, 2, 3, 4, 5)}


PARTS = {
    "re": [0.23, 0.31, 0.17, 0.15], "le": [0.56, 0.31, 0.17, 0.15],
    "mouth": [0.44, 0.57, 0.09, 0.05], "nose": [0.48, 0.5], "chin": [0.48, 0.68],
}  # fmt: skip


def test_boxes_give_anime_its_shapes_and_its_frame(faces, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({f"{number}.png": PARTS for number in range(5)}))
    made = make_references(faces, "oil", tmp_path / "r", boxes=boxes, embed=embed)
    plain = make_references(faces, "oil", tmp_path / "p", embed=embed)
    assert [one.source for one in made] == [one.source for one in plain]  # the same choice
    known = [one.source != "source 5" for one in made]
    assert [one.shape is not None for one in made] == known and not all(known)
    assert [one.appearance is not None for one in made] == known
    assert all(one.shape is None for one in plain)  # noise has no mesh
    whole = load_reference_set(tmp_path / "r")
    np.testing.assert_allclose(whole.shape, anime_shape(), atol=1e-3)
    assert whole.appearance.shape == (48, 48, 3)
    assert load_reference_set(tmp_path / "p").shape is None


@pytest.mark.parametrize("text", [None, "{", "[]", '{"0.png": {"re": [0, 0, 1, 1]}}'])
def test_boxes_that_cannot_be_used_are_one_sentence_and_no_file(faces, tmp_path, text):
    boxes = tmp_path / "boxes.json"
    if text is not None:
        boxes.write_text(text)
    with pytest.raises(UsageError, match="boxes"):
        make_references(faces, "oil", tmp_path / "r", boxes=boxes, embed=embed)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(("domain", "count"), [("anime", 1), ("woodcut", 0)])
def test_too_few_pictures_are_one_sentence_and_no_file(faces, tmp_path, domain, count):
    with pytest.raises(UsageError, match=f"holds {count} training pictures of {domain}"):
        make_references(faces, domain, tmp_path / "r", embed=embed)
    assert not (tmp_path / "r").exists()


def test_no_index_and_a_damaged_picture_are_one_sentence(faces, tmp_path):
    with pytest.raises(UsageError, match="index"):
        make_references(tmp_path, "oil", tmp_path / "r", embed=embed)
    (faces / "3.png").write_bytes(b"junk")
    with pytest.raises(ImageError, match=r"3\.png"):
        make_references(faces, "oil", tmp_path / "r", embed=embed)
    assert not (tmp_path / "r").exists()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "plugin" / "package"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(
        '# kept\napi = 1\nname = "x"\ntitle = "X"\nlicence = "l"\n\n[references]\nsha256 = "old"\n'
    )
    (folder / "references.safetensors").write_bytes(b"r")
    return folder


def test_seal_writes_the_hashes_of_what_is_there(package):
    text = sealed_manifest(package)
    assert text.startswith("# kept\n")
    assert set(tomllib.loads(text)) == {"api", "name", "title", "licence", "references"}
    save_file({}, package / "head.safetensors")
    manifest = tomllib.loads(sealed_manifest(package))
    digest = hashlib.sha256((package / "head.safetensors").read_bytes()).hexdigest()
    assert manifest["head"]["sha256"] == digest
    assert manifest["references"]["file"] == "references.safetensors"
    assert seal_plugin(package.parent) == [package / "domain.toml"]
    assert tomllib.loads((package / "domain.toml").read_text()) == manifest
    assert tomllib.loads(sealed_manifest(package)) == manifest
    domain = Domain.from_manifest(manifest, package, "x")
    assert domain.head == package / "head.safetensors"


def test_seal_keeps_the_other_tables(package):
    path = package / "domain.toml"
    path.write_text(path.read_text().replace("[ref", "[shape]\n# ours\nstrength = 0.5\n\n[ref"))
    text = sealed_manifest(package)
    assert tomllib.loads(text)["shape"] == {"strength": 0.5} and "# ours" in text
    path.write_text(text)
    assert sealed_manifest(package) == text


def test_what_cannot_be_sealed_is_one_sentence_and_stays(package):
    plugin, before = package.parent, (package / "domain.toml").read_bytes()
    (package / "references.safetensors").unlink()
    with pytest.raises(DomainError, match=r"references\.safetensors cannot be read"):
        seal_plugin(plugin)
    assert (package / "domain.toml").read_bytes() == before
    (package / "domain.toml").write_bytes(b"\xff")
    with pytest.raises(DomainError, match="not UTF-8"):
        seal_plugin(plugin)
    with pytest.raises(DomainError, match="holds no package"):
        seal_plugin(plugin / "elsewhere")


def run_tool(name: str, *args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOLS / name, *map(str, args)], capture_output=True, text=True, check=False
    )


def test_the_tool_calls_it(faces, tmp_path):
    done = run_tool("make_references.py", faces, "woodcut", tmp_path / "r")
    assert done.returncode == 2 and "0 training pictures of woodcut" in done.stderr


def test_pictures_of_any_side_are_told_apart_at_the_networks_own(monkeypatch):
    shapes = []

    def embed(pictures: np.ndarray) -> np.ndarray:
        shapes.append(pictures.shape)
        return np.ones((len(pictures), 8), np.float32)

    monkeypatch.setattr(references, "load_runtime", lambda: SimpleNamespace(embed=embed))
    tell = references._embedded()
    for side in (256, 512):
        assert tell(np.zeros((side, side, 3), np.uint8)).shape == (8,)
    assert shapes == [(1, 512, 512, 3)] * 2
