"""Faces out of WebDataset shards."""

import io
import json
import os
import sys

import nano
import numpy as np
import pytest
from PIL import Image

from hasnet_models.config.load import to_toml
from hasnet_models.data import faces as faces_module
from hasnet_models.data import shards
from hasnet_models.data.faces import load_splits
from hasnet_models.data.vectors import VectorKind
from hasnet_models.errors import UsageError
from hasnet_models.training.rt_stage import RTStage

wds = pytest.importorskip("webdataset")


def picture(rng, side=32, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def write(path, samples):
    path.parent.mkdir(exist_ok=True)
    with wds.TarWriter(str(path)) as writer:
        for sample in samples:
            writer.write(sample)


@pytest.fixture
def folder(tmp_path):
    """Two shards of six faces; faces of one number share an identity; one face is for val."""
    rng = np.random.default_rng(0)
    for shard in range(2):
        samples = []
        for i in range(6):
            about = {"domain": ("photo", "red", "blue")[i % 3], "identity": f"p{i // 3}{shard}"}
            if (shard, i) == (1, 4):
                about["split"] = "val"
            suffix = "jpg" if i == 5 else "png"
            data = picture(rng, 40, "JPEG" if i == 5 else "PNG")
            samples.append({"__key__": f"{i:04d}", suffix: data, "json": about})
        write(tmp_path / "shards" / f"{shard:04d}.tar", samples)
    return tmp_path / "shards"


def load(path, cache, size=32, embed=nano.fake_embed, progress=lambda *_: None):
    return load_splits(path, size, cache, nano.vectors(embed), progress)


def refuse(pictures):
    raise AssertionError("computed again")


def test_shards_give_the_faces_of_both_splits(folder, tmp_path):
    train, val = load(folder, tmp_path / "cache")
    assert len(train) == 11 and len(val) == 1 and not train.skipped
    assert {d: len(m) for d, m in train.by_domain.items()} == {"blue": 4, "photo": 4, "red": 3}
    assert train.records[0].file == "0000.tar/0000" and train.records[0].identity == "p00"
    assert train.images.shape == (11, 32, 32, 3) and isinstance(train.images.base, np.memmap)
    assert train.palettes.shape == (11, 20, 3) and train.z_ids.shape == (11, 192)
    assert {train.domain(i) for i in train.partners(0)} == {"red", "blue"}
    assert len(train.fingerprint) == 16 and train.fingerprint != val.fingerprint


def test_shards_are_read_once(folder, tmp_path):
    first, _ = load(folder, tmp_path / "cache")
    again, _ = load(folder, tmp_path / "cache", embed=refuse)
    assert np.array_equal(again.images, first.images) and again.records == first.records
    assert np.array_equal(again.z_ids, first.z_ids) and again.fingerprint == first.fingerprint


def test_same_pixels_and_vectors_as_a_folder(folder, tmp_path):
    train, _ = load(folder, tmp_path / "cache")
    rng = np.random.default_rng(0)
    place = tmp_path / "faces" / "photo"
    place.mkdir(parents=True)
    (place / "0.png").write_bytes(picture(rng, 40))
    as_folder, _ = load(tmp_path / "faces", tmp_path / "cache2")
    assert np.array_equal(as_folder.images[0], train.images[0])
    assert np.array_equal(as_folder.palettes[0], train.palettes[0])
    assert np.array_equal(as_folder.z_ids[0], train.z_ids[0])


@pytest.mark.parametrize("name", ["{0000..0001}.tar", "."])
def test_braces_and_folders_name_shards(folder, tmp_path, name):
    assert shards.is_shards(folder / name)
    assert [f.name for f in shards.find_shards(folder / name)] == ["0000.tar", "0001.tar"]


def test_a_folder_of_domains_is_no_folder_of_shards(tmp_path):
    faces = nano.make_folder(tmp_path / "faces")
    (faces / "backup.tar").write_bytes(b"")
    assert not shards.is_shards(faces) and not shards.is_shards(tmp_path / "nowhere")


def test_a_nano_step_on_shards(folder, tmp_path):
    stage = RTStage(nano.preset(), *load(folder, tmp_path / "cache"), nano.FP32)
    assert all(np.isfinite(v) for v in stage.step().values())


def test_samples_that_cannot_be_used_are_left_out_and_said(tmp_path):
    rng = np.random.default_rng(0)
    good, about = picture(rng), {"domain": "red"}
    write(
        tmp_path / "s" / "0.tar",
        [
            {"__key__": "a", "png": good, "json": about},
            {"__key__": "b", "png": b"no picture", "json": about},
            {"__key__": "c", "png": picture(rng)},
            {"__key__": "d", "png": picture(rng), "json": {"domain": 3}},
            {"__key__": "e", "json": about},
            {"__key__": "f", "png": picture(rng, 16), "json": about},
            {"__key__": "g", "png": picture(rng), "json": {**about, "split": "test"}},
            {"__key__": "h", "png": good, "json": about},
        ],
    )
    train, val = load(tmp_path / "s" / "0.tar", tmp_path / "cache")
    assert [r.file for r in train.records] == ["0.tar/a", "0.tar/h"] and val is train
    assert [line.split(":")[0] for line in train.skipped] == [f"0.tar/{k}" for k in "bcdef"]
    assert "it has no picture." in train.skipped[3] and "16x16" in train.skipped[4]
    assert train.notes == ["Pictures that are copies of one another: 0.tar/a = 0.tar/h."]


def test_a_shard_cut_off_gives_what_is_there(folder, tmp_path):
    file = folder / "0000.tar"
    file.write_bytes(file.read_bytes()[:-14000])
    train, _ = load(folder, tmp_path / "cache")
    assert 5 < len(train) < 11
    assert any(line.startswith("0000.tar") for line in train.skipped)


def test_a_shard_that_is_no_tar_is_said(folder, tmp_path):
    (folder / "0002.tar").write_bytes(b"nothing of the kind" * 100)
    train, _ = load(folder, tmp_path / "cache")
    assert len(train) == 11
    assert len(train.skipped) == 1 and train.skipped[0].startswith("0002.tar: ")


def test_changed_shards_are_read_again(folder, tmp_path):
    first, _ = load(folder, tmp_path / "cache")
    (folder / "0001.tar").unlink()
    second, val = load(folder, tmp_path / "cache")
    assert len(second) == 6 and val is second and second.fingerprint != first.fingerprint


@pytest.mark.parametrize("harm", ["z_ids-*", "palettes-*", "*-train.u8", "*-val.json"])
def test_damaged_cache_is_made_again(folder, tmp_path, harm):
    first, _ = load(folder, tmp_path / "cache")
    # copies: the files that they are mapped from are about to be cut
    good, z_ids = np.array(first.images), np.array(first.z_ids)
    (file,) = (tmp_path / "cache").glob(harm)
    file.write_bytes(file.read_bytes()[:100])
    again, _ = load(folder, tmp_path / "cache")
    assert np.array_equal(again.images, good) and np.array_equal(again.z_ids, z_ids)


def test_every_rank_reads_all_shards(folder, tmp_path, monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setitem(os.environ, name, value)
    assert len(load(folder, tmp_path / "cache")[0]) == 11


def test_progress_counts_shards(folder, tmp_path):
    seen = []
    load(folder, tmp_path / "cache", progress=lambda *step: seen.append(step))
    assert seen == [("shards", 0, 2), ("shards", 1, 2), ("shards", 2, 2)]


def test_missing_shards_and_no_faces_are_usage_errors(folder, tmp_path):
    with pytest.raises(UsageError, match=r"no shard .*0002\.tar"):
        load(folder / "{0000..0002}.tar", tmp_path / "cache")
    write(tmp_path / "s" / "0.tar", [{"__key__": "a", "json": {"domain": "x"}}])
    with pytest.raises(UsageError, match=r"split 'train': 0\.tar/a: it has no picture"):
        load(tmp_path / "s", tmp_path / "cache")


def test_without_webdataset_the_extra_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "webdataset", None)
    with pytest.raises(UsageError, match="needs another package") as caught:
        load(folder, tmp_path / "cache")
    assert "hasnet[webdataset]" in caught.value.hint


def test_shards_count_as_a_face_set_of_the_same_kind(folder, tmp_path):
    assert isinstance(load(folder, tmp_path / "cache")[0], faces_module.FaceSet)


def test_check_counts_the_faces_of_shards(run, folder):
    with wds.TarWriter(str(folder / "0002.tar")) as writer:
        good = picture(np.random.default_rng(5))
        about = {"domain": "clay", "split": "test"}
        writer.write({"__key__": "a", "png": good, "json": about})
        writer.write({"__key__": "b", "png": good, "json": {**about, "split": "val"}})
        writer.write({"__key__": "c", "png": good, "json": {"domain": "red"}})
        writer.write({"__key__": "d", "png": b"none", "json": about})
    code, text, err = run("data", "check", folder, "--json", "--progress", "jsonl")
    document = json.loads(text)
    counts = {(c["domain"], c["split"]): c["faces"] for c in document["counts"]}
    assert code == 3 and counts == {
        ("photo", "train"): 4, ("red", "train"): 4, ("blue", "train"): 4,
        ("red", "val"): 1, ("clay", "test"): 1, ("clay", "val"): 1,
    }  # fmt: skip
    assert [line.split(":")[0] for line in document["skipped"]] == ["0002.tar/d"]
    assert "Pictures that are both in train and in val: 1." in document["notes"]
    assert '"done": 3, "total": 3' in err
    assert run("data", "check", folder / "0001.tar").code == 0
    assert run("data", "check", folder / "0009.tar").code == 2


def test_dry_run_counts_the_faces_of_shards(run, folder, tmp_path):
    (tmp_path / "nano.toml").write_text(to_toml(nano.preset()))
    out = run("train", folder, "--stage", "rt", "--preset", tmp_path / "nano.toml", "--dry-run")
    assert out.code == 0 and "# 11 faces to train on" in out.out
    write(folder / "0000.tar", [{"__key__": "a", "json": {"domain": "x"}}])
    (folder / "0001.tar").unlink()
    out = run("train", folder, "--stage", "rt", "--preset", tmp_path / "nano.toml", "--dry-run")
    assert out.code == 2 and "0000.tar/a: it has no picture" in out.err


def test_shards_are_read_again_for_another_kind_of_vector(folder, tmp_path):
    load(folder, tmp_path / "cache")
    mean = VectorKind("1", "float32", (3,), lambda faces: faces.mean((1, 2), dtype=np.float32))
    table = {**nano.vectors(refuse), "mean": mean}
    train, val = load_splits(folder, 32, tmp_path / "cache", table)
    assert train.vectors["mean"].shape == (11, 3) and val.vectors["mean"].shape == (1, 3)
    assert np.abs(train.vectors["mean"][0] - train.images[0].mean((0, 1))).max() < 3
