"""Datasets as they lie on a disk, in small."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hasnet_cli import factory
from hasnet_models import image_io
from hasnet_models.data.importers import importing
from hasnet_models.data.importers.datasets import DATASETS
from hasnet_models.data.importers.importing import ImportJob, plan, run
from hasnet_models.data.index import list_faces
from hasnet_models.errors import HasnetError, ImageError, UsageError
from hasnet_models.face.types import Face
from hasnet_models.frame import FFHQ_TEMPLATE_512

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"


class FakeDetector:
    """Finds a face wherever the picture is not dark, at the template's place."""

    def detect(self, rgb):
        if rgb.mean() < 20:
            return []
        scale = rgb.shape[0] / 512
        box = np.array([120, 104, 392, 458], np.float32) * scale
        return [Face(box, (FFHQ_TEMPLATE_512 * scale).astype(np.float32), 0.9)]


@pytest.fixture(scope="session")
def photo():
    return Image.open(ASTRONAUT).convert("RGB").resize((96, 96))


@pytest.fixture
def tree(tmp_path, photo):
    """Make a dataset of pictures that differ by one block each."""
    made = 0

    def make(*names, root=tmp_path / "set"):
        nonlocal made
        for name in names:
            made += 1
            picture = photo.copy()
            picture.paste((made * 37 % 256, made * 91 % 256, 0), (0, 0, 16, 16))
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            picture.save(root / name)
        return root

    return make


def do(kind, source, out, **options):
    return run(ImportJob(kind, source, out, **options), FakeDetector)


def rows(folder, name="index.tsv"):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def found(folder):
    """(domain, split, identity) of each face, sorted."""
    return sorted((r["domain"], r["split"], r["identity"]) for r in rows(folder))


def skipped(folder):
    return {r["file"]: r["reason"] for r in rows(folder, "skipped.tsv")}


def test_casia_with_folders_and_with_names(tree, tmp_path):
    source = tree(
        "s1/NIR/00001/001.bmp", "s1/VIS/00001/001.jpg", "VIS/s2_VIS_10039_004.jpg",
        "NIR/s2_NIR_10039_001.bmp", "s1/readme.png",
    )  # fmt: skip
    do("casia-nir-vis-2", source, tmp_path / "out")
    one, two = "casia-nir-vis-2:00001", "casia-nir-vis-2:10039"
    assert found(tmp_path / "out") == [
        ("nir", "train", one), ("nir", "train", two),
        ("nir_photo", "train", one), ("nir_photo", "train", two),
    ]  # fmt: skip
    assert "NIR or VIS" in skipped(tmp_path / "out")["s1/readme.png"]


def test_cufsf_with_photos_of_feret(tree, tmp_path):
    source = tree(
        "original_sketch/00001ba010_960521.jpg", "cropped_sketch/00001ba010_960521.jpg",
        "photo/00001fb010_930831.tif", "other/00001.jpg", "original_sketch/legend.jpg",
    )  # fmt: skip
    (source / "photo" / "00002fa010_930831.ppm.bz2").write_bytes(b"BZh")
    do("cufsf", source, tmp_path / "out")
    person = "cufsf:00001"
    assert found(tmp_path / "out") == [
        ("sketch", "train", person), ("sketch_photo", "train", person)
    ]  # fmt: skip
    reasons = skipped(tmp_path / "out")
    assert "smaller copy" in reasons["cropped_sketch/00001ba010_960521.jpg"]
    assert "convert it" in reasons["photo/00002fa010_930831.ppm.bz2"]
    assert len(reasons) == 4


def test_cufsf_with_cropped_sketches_alone(tree, tmp_path):
    do("cufsf", tree("cropped_sketch/00007.jpg"), tmp_path / "out")
    assert found(tmp_path / "out") == [("sketch", "train", "cufsf:00007")]


def test_selfie2anime_keeps_what_no_detector_finds(tree, tmp_path):
    source = tree("trainA/1.jpg", "trainB/1.jpg", "testA/2.jpg", "testB/2.jpg", "1.jpg")
    Image.new("RGB", (64, 64)).save(source / "trainB" / "dark.jpg")
    Image.new("RGB", (64, 64)).save(source / "trainA" / "dark.jpg")
    do("selfie2anime", source, tmp_path / "out")
    assert found(tmp_path / "out") == [
        ("anime", "train", ""), ("anime", "train", ""), ("anime", "val", ""),
        ("photo", "train", ""), ("photo", "val", ""),
    ]  # fmt: skip
    assert skipped(tmp_path / "out")["trainA/dark.jpg"] == "no face was found"


def test_iiit_cfw_takes_the_person_from_the_name(tree, tmp_path):
    source = tree(
        "IIIT-CFW1.0/cartoonFaces/AamirKhan0001.jpg",
        "IIIT-CFW1.0/realFaces/Aamir_Khan0004.jpg",
        "IIIT-CFW1.0/tmp/x0001.jpg",
        "IIIT-CFW1.0/cartoonFaces/0001.jpg",
    )
    do("iiit-cfw", source, tmp_path / "out")
    person = "iiit-cfw:aamirkhan"
    assert found(tmp_path / "out") == [
        ("caricature", "train", person), ("caricature_photo", "train", person)
    ]  # fmt: skip
    assert len(skipped(tmp_path / "out")) == 2


def test_metfaces_keeps_the_crops_and_names_their_sources(tree, tmp_path):
    source = tree("images/10003-00.png", "images/10003-01.png", "unprocessed/10003.png")
    entry = {"obj_id": "10003", "face_idx": 1, "source_url": "https://example.org/10003"}
    (source / "metfaces.json").write_text(json.dumps([entry, {"obj_id": "1", "face_idx": 0}]))
    do("metfaces", source, tmp_path / "out")
    assert {r["source"] for r in rows(tmp_path / "out")} == {
        "MetFaces: images/10003-00.png", "https://example.org/10003"
    }  # fmt: skip
    assert found(tmp_path / "out") == [("oil", "train", "")] * 2
    assert list(skipped(tmp_path / "out")) == ["unprocessed/10003.png"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "[1]", '[{"obj_id": 1}]'])
def test_metfaces_with_a_broken_json_still_imports(tree, tmp_path, text):
    source = tree("images/1-00.png")
    (source / "metfaces.json").write_text(text)
    assert do("metfaces", source, tmp_path / "out").imported == {"oil": 1}


def test_ffhq_splits_by_number(tree, tmp_path):
    source = tree(
        "images1024x1024/00000/00001.png", "images1024x1024/60000/60001.png",
        "in-the-wild-images/00000/00001.png",
    )  # fmt: skip
    do("ffhq", source, tmp_path / "out")
    assert found(tmp_path / "out") == [("photo", "train", ""), ("photo", "val", "")]
    assert "original" in skipped(tmp_path / "out")["in-the-wild-images/00000/00001.png"]


def test_toonify_keeps_its_crops(tree, tmp_path):
    report = do("toonify", tree("a/0001.jpg", "0002.jpg"), tmp_path / "out", suffix=".png")
    assert report.imported == {"cartoon3d": 2}
    assert {Path(r["file"]).suffix for r in rows(tmp_path / "out")} == {".png"}


def test_own_folders_name_their_domains(tree, tmp_path):
    do("folder", tree("clay/1.jpg", "ink/deep/2.jpg"), tmp_path / "out")
    assert [d for d, _, _ in found(tmp_path / "out")] == ["clay", "ink"]
    flat = tree("1.jpg", root=tmp_path / "flat")
    with pytest.raises(UsageError, match="no sub-folder that could name") as caught:
        do("folder", flat, tmp_path / "out2")
    assert caught.value.parameters == ("domain",)
    do("folder", flat, tmp_path / "out2", domain="stone")
    assert found(tmp_path / "out2") == [("stone", "train", "")]


def test_faces_are_aligned_at_the_size_asked_for(tmp_path, photo):
    source = tmp_path / "set" / "clay"
    source.mkdir(parents=True)
    Image.open(ASTRONAUT).convert("RGB").save(source / "1.png")
    do("folder", source.parent, tmp_path / "out", size=64, suffix=".png")
    (row,) = rows(tmp_path / "out")
    face = image_io.read(tmp_path / "out" / row["file"]).rgb
    expected = np.asarray(Image.open(ASTRONAUT).convert("RGB").resize((64, 64), Image.BOX), int)
    assert face.shape == (64, 64, 3) and np.abs(face - expected).mean() < 3


def test_real_detector_finds_the_astronaut(tmp_path):
    source = tmp_path / "set" / "clay"
    source.mkdir(parents=True)
    Image.open(ASTRONAUT).convert("RGB").save(source / "1.jpg")
    Image.new("RGB", (200, 200), (90, 90, 90)).save(source / "2.jpg")
    report = run(ImportJob("folder", source.parent, tmp_path / "out"), factory.load_detector)
    assert report.imported == {"clay": 1}
    assert report.skipped == [("clay/2.jpg", "no face was found")]
    (row,) = rows(tmp_path / "out")
    face = image_io.read(tmp_path / "out" / row["file"]).rgb
    again = factory.load_detector().detect(face)[0]
    assert np.abs(again.landmarks - FFHQ_TEMPLATE_512 / 2).max() < 10


@pytest.mark.parametrize(("align", "imported"), [("detect", 1), ("try", 2)])
def test_landmarks_in_one_point_are_that_picture_s_fault_alone(tree, tmp_path, align, imported):
    class Coincident(FakeDetector):
        def detect(self, rgb):
            (found,) = super().detect(rgb)
            return [found if rgb.shape[0] == 96 else replace(found, landmarks=np.ones((5, 2)))]

    source = tree("clay/1.jpg")
    Image.new("RGB", (64, 64), "white").save(source / "clay" / "2.jpg")
    report = run(ImportJob("folder", source, tmp_path / "out", align=align), Coincident)
    assert report.imported == {"clay": imported} and report.kept == imported - 1
    if align == "detect":
        reason = "its face cannot be aligned: the landmarks lie all in one point"
        assert report.skipped == [("clay/2.jpg", reason)]


def test_pictures_that_cannot_be_used_are_listed_with_the_reason(tree, tmp_path):
    source = tree("clay/ok.jpg")
    (source / "clay" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    (source / "clay" / "empty.jpg").write_bytes(b"")
    (source / "clay" / "copy.jpg").write_bytes((source / "clay" / "ok.jpg").read_bytes())
    Image.new("RGB", (20, 400), "white").save(source / "clay" / "tiny.jpg")
    Image.new("RGB", (40, 40), "white").save(source / "clay" / "small.jpg")
    (source / "clay" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    report = do("folder", source, tmp_path / "out")
    reasons = skipped(tmp_path / "out")
    assert report.imported["clay"] == 2
    assert sorted(reasons) == [f"clay/{n}.jpg" for n in ("broken", "empty", "gone", "ok", "tiny")]
    assert reasons["clay/ok.jpg"] == "a copy of clay/copy.jpg"
    assert "32 px a side are the least" in reasons["clay/tiny.jpg"]
    assert "No such file" in reasons["clay/gone.jpg"]


def test_import_goes_on_where_it_stopped(tree, tmp_path, monkeypatch):
    source = tree(*(f"clay/{i}.jpg" for i in range(4)))
    calls = []
    write = image_io.write

    def interrupted(*args, **options):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write(*args, **options)

    monkeypatch.setattr(importing.image_io, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        do("folder", source, tmp_path / "out")
    assert len(rows(tmp_path / "out")) == 2
    report = do("folder", source, tmp_path / "out")
    assert report.known == {"clay": 2} and report.imported == {"clay": 2}
    assert len(calls) == 5 and len(rows(tmp_path / "out")) == 4
    assert do("folder", source, tmp_path / "out").known == {"clay": 4}


def test_a_face_that_was_deleted_is_made_again(tree, tmp_path):
    source, out = tree("clay/1.jpg"), tmp_path / "out"
    do("folder", source, out)
    (out / rows(out)[0]["file"]).unlink()
    assert do("folder", source, out).imported == {"clay": 1}
    assert len(rows(out)) == 1


def test_full_disk_stops_and_keeps_what_is_there(tree, tmp_path, monkeypatch):
    source, out = tree("clay/1.jpg", "clay/2.jpg"), tmp_path / "out"
    write = image_io.write

    def full(face, path, **options):
        if rows(out) or len(list(out.glob("clay/*"))) == 1:
            raise ImageError(f"{path} cannot be written: No space left on device.")
        write(face, path, **options)

    monkeypatch.setattr(importing.image_io, "write", full)
    with pytest.raises(HasnetError, match="No space left"):
        do("folder", source, out)
    assert len(rows(out)) == 1


def test_several_datasets_in_one_folder_and_its_training_view(tree, tmp_path):
    out = tmp_path / "out"
    do("toonify", tree("1.jpg", root=tmp_path / "a"), out)
    broken = tree("clay/1.jpg", root=tmp_path / "b")
    (broken / "clay" / "2.jpg").write_text("no")
    do("folder", broken, out)
    do("toonify", tmp_path / "a", out)
    assert [d for d, _, _ in found(out)] == ["cartoon3d", "clay"]
    assert list(skipped(out)) == ["clay/2.jpg"]
    assert {r.domain for r in list_faces(out, "train").records} == {"cartoon3d", "clay"}
    (broken / "clay" / "2.jpg").unlink()
    tree("clay/2.jpg", root=broken)
    do("folder", broken, out)
    assert skipped(out) == {} and len(found(out)) == 3


def test_index_of_another_hand_keeps_its_columns(tree, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.tsv").write_text('domain\tfile\tmood\nclay\tclay/x.jpg\t"glad"\n')
    do("toonify", tree("1.jpg"), out)
    first, second = rows(out)
    assert first["mood"] == "glad" and first["domain"] == "clay" and first["split"] == ""
    assert second["domain"] == "cartoon3d" and second["mood"] == ""


def test_limit_counts_by_domain(tree, tmp_path):
    source = tree(*(f"{d}/{i}.jpg" for d in ("a", "b") for i in range(3)))
    assert do("folder", source, tmp_path / "out", limit=2).imported == {"a": 2, "b": 2}


def test_another_domain_name_goes_for_its_photos_too(tree, tmp_path):
    source = tree("original_sketch/00001.jpg", "photo/00001.jpg")
    do("cufsf", source, tmp_path / "out", domain="pencil")
    assert [d for d, _, _ in found(tmp_path / "out")] == ["pencil", "pencil_photo"]


def test_pictures_without_a_face_may_be_kept(tmp_path):
    source = tmp_path / "set" / "clay"
    source.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(source / "dark.jpg")
    report = do("folder", source.parent, tmp_path / "out", align="try")
    assert report.kept == 1 and report.imported == {"clay": 1}


def test_what_makes_no_sense_is_refused(tree, tmp_path):
    source = tree("clay/1.jpg")
    with pytest.raises(UsageError, match="no dataset 'nothing'"):
        plan(ImportJob("nothing", source, tmp_path / "out"))
    with pytest.raises(UsageError, match="no folder"):
        plan(ImportJob("ffhq", tmp_path / "nowhere", tmp_path / "out"))
    with pytest.raises(UsageError, match="lies inside"):
        plan(ImportJob("ffhq", source, source / "out"))
    with pytest.raises(UsageError, match="no pictures of selfie2anime") as caught:
        plan(ImportJob("selfie2anime", source, tmp_path / "out"))
    assert "{train,test}" in caught.value.hint
    with pytest.raises(UsageError, match="pictures but no index"):
        plan(ImportJob("toonify", source, tree("red/1.jpg", root=tmp_path / "mine")))


def test_every_kind_is_in_the_help_and_the_documentation(run):
    text = run("data", "import", "-h").out
    page = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    for name, dataset in DATASETS.items():
        assert name in text and f"`{name}`" in page, dataset.title


@pytest.fixture
def detector(monkeypatch):
    monkeypatch.setattr(factory, "load_detector", lambda backend: FakeDetector())


def test_command_line_says_what_was_left_out(run, tree, detector, tmp_path):
    source = tree("clay/1.jpg", "clay/2.jpg")
    Image.new("RGB", (64, 64)).save(source / "clay" / "dark.jpg")
    code, out, err = run("data", "import", "folder", source, tmp_path / "out")
    assert code == 3 and out == f"{tmp_path / 'out' / 'index.tsv'}\n"
    assert "clay: 2 imported." in err and "left out: 1 x no face was found" in err
    (source / "clay" / "dark.jpg").unlink()
    code, _, err = run("data", "import", "folder", source, tmp_path / "out")
    assert code == 0 and "clay: 0 imported, 2 were there before." in err


def test_command_line_fails_where_every_picture_does(run, tmp_path, detector):
    (tmp_path / "set" / "clay").mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(tmp_path / "set" / "clay" / "dark.jpg")
    code, _, err = run("data", "import", "folder", tmp_path / "set", tmp_path / "out")
    assert code == 1 and "skipped.tsv" in err
    assert run("data", "import", "nothing", tmp_path / "set", tmp_path / "out").code == 2


def test_command_line_check(run, tree, detector, tmp_path):
    out = tmp_path / "out"
    run("data", "import", "folder", tree("clay/1.jpg", "ink/2.jpg", "ink/3.jpg"), out)
    code, text, err = run("data", "check", out)
    assert code == 0 and text.split()[:2] == ["domain", "train"] and "ink" in text
    assert "learnt by heart: clay." in err
    next((out / "ink").iterdir()).write_bytes(b"")
    code, text, _ = run("data", "check", out, "--json")
    document = json.loads(text)
    assert code == 3 and document["schema"] == 1 and len(document["skipped"]) == 1
    assert {"domain": "ink", "split": "train", "faces": 1} in document["counts"]
    for file in out.glob("*/*.jpg"):
        file.write_bytes(b"")
    assert run("data", "check", out).code == 1
    assert run("data", "check", tmp_path / "nowhere").code == 2


@pytest.mark.parametrize("way", ["variable", "file"])
def test_import_takes_the_detector_that_the_settings_name(run, tree, tmp_path, monkeypatch, way):
    backends = []
    monkeypatch.setattr(factory, "load_detector", lambda b: backends.append(b) or FakeDetector())
    source = tree("clay/1.jpg")
    if way == "variable":
        monkeypatch.setenv("HASNET_BACKEND", "insightface")
    else:
        Path("hasnet.toml").write_text('backend = "insightface"\n')
    assert run("data", "import", "folder", source, tmp_path / "one").code == 0
    tree("clay/2.jpg")
    run("data", "import", "folder", source, tmp_path / "one", "--backend", "embedded")
    assert backends == ["insightface", "embedded"]


def test_without_opencv_one_sentence_says_so(tmp_path):
    code = (
        "import sys; sys.modules['cv2'] = None; from hasnet_cli.main import main; "
        f"sys.exit(main(['data', 'check', {str(tmp_path)!r}]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("hasnet: OpenCV cannot be loaded")
    assert "internal error" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".", "..", "/tmp/evil", ".hidden", "a\\b"])
def test_a_domain_names_a_folder_inside_the_output(tree, tmp_path, name):
    folder = tree("a.png")
    with pytest.raises(UsageError, match="cannot name a folder"):
        do("folder", folder, tmp_path / "out", domain=name)
    assert not (tmp_path / "out").exists() and not (tmp_path / "evil").exists()


def test_a_picture_whose_name_is_no_text_is_imported_and_listed(tree, tmp_path):
    folder = tree("x/a.png")
    (folder / "x/a.png").rename(folder / "x" / os.fsdecode(b"caf\xe9.png"))
    report = do("folder", folder, tmp_path / "out")
    assert report.imported["x"] == 1
    assert len(list_faces(tmp_path / "out", "train").records) == 1
