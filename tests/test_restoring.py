"""Weak faces: how weak they are, what restores them, and what the user is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import picture
from nano import onnx_network

from hasnet_models import image_io
from hasnet_models.avatar.fingerprint import fingerprint_of
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import Request
from hasnet_models.data.importers import importing
from hasnet_models.data.index import INDEX, read_table
from hasnet_models.errors import UsageError, WeightsError
from hasnet_models.face.align import warp
from hasnet_models.face.types import AlignedFace, Face
from hasnet_models.frame import FFHQ_TEMPLATE_512, square_similarity
from hasnet_models.plugins import Registry
from hasnet_models.restoring.choice import check_restore
from hasnet_models.restoring.restorer import (
    STRONG,
    WEAK,
    WeakFaceRestorer,
    all_restored,
    restorer_of,
    share_of,
)
from hasnet_models.restoring.user_file import UserRestorer
from hasnet_models.restoring.weakness import effective_side, sharp_side
from hasnet_models.weights.digests import sha256_of
from hasnet_models.weights.files import OVERRIDE_VARIABLE

ASTRONAUT = Path(__file__).parents[1] / "examples" / "astronaut.png"
WHOLE = (1, 3, 512, 512)


@pytest.fixture(scope="module")
def portrait():
    return cv2.resize(image_io.read(ASTRONAUT).rgb[0:320, 64:384], (256, 256))


def aligned(small: np.ndarray) -> AlignedFace:
    matrix = square_similarity(*small.shape[:2])
    return AlignedFace(warp(small, matrix), matrix)


def brought_down(face: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)


# ------------------------------------------------------------------------------------- weakness


def test_a_face_that_was_made_small_needs_about_that_side(portrait):
    sides = [sharp_side(aligned(brought_down(portrait, side)).crop) for side in (32, 64, 96)]
    assert sides == sorted(sides)
    np.testing.assert_allclose(sides, [32, 64, 96], rtol=0.4)


def test_a_blur_counts_where_there_are_pixels_enough(portrait):
    sharp, soft = (aligned(one) for one in (portrait, cv2.GaussianBlur(portrait, (0, 0), 4)))
    assert effective_side(soft) < 64 < effective_side(sharp)


def test_a_face_of_few_pixels_is_weak_however_sharp_it_looks(portrait):
    face = aligned(portrait)
    assert effective_side(replace(face, matrix=np.eye(2, 3) * 16)) == 32


@pytest.mark.parametrize("side", [1, 16, 512])
def test_what_shows_nothing_is_not_weak(side):
    plain = AlignedFace(np.full((side, side, 3), 90, np.uint8), np.eye(2, 3) * 16)
    assert effective_side(plain) == np.inf


def test_faces_are_restored_less_the_stronger_they_are():
    shares = [share_of(side) for side in (1, WEAK, (WEAK + STRONG) / 2, STRONG, 256, np.inf)]
    assert shares == [1, 1, 0.5, 0, 0, 0]


# ------------------------------------------------------------------------- the embedded network


@pytest.fixture
def brighter(tmp_path, monkeypatch):
    """In place of the embedded network, one that adds a quarter of the range."""
    folder = tmp_path / "weights"
    folder.mkdir()
    onnx_network(folder / "restorer.onnx", (1, 3, 128, 128), add=0.25)
    monkeypatch.setenv(OVERRIDE_VARIABLE, str(folder))
    return WeakFaceRestorer()


def test_a_weak_face_gets_what_the_network_adds_and_keeps_the_rest(brighter, portrait):
    face = aligned(brought_down(portrait, 32) // 2)
    restored = brighter.restored(face)
    np.testing.assert_allclose(restored.crop, face.crop + 31.875, atol=0.6)
    assert restored.matrix is face.matrix


def test_a_strong_face_is_the_same_object(brighter, portrait):
    face = aligned(portrait)
    assert brighter.restored(face) is face


def test_the_note_counts_who_was_restored(brighter, portrait):
    weak, strong = aligned(brought_down(portrait, 32)), aligned(portrait)
    faces, notes = all_restored(brighter, [weak, strong])
    assert faces[1] is strong and notes == ["1 of 2 faces were restored."]
    assert all_restored(brighter, [strong])[1] == []
    assert all_restored(None, [weak]) == ([weak], [])


def test_without_its_weights_it_is_a_fault_of_the_weights(tmp_path, monkeypatch, portrait):
    (tmp_path / "restorer.onnx").write_bytes(b"junk")
    monkeypatch.setenv(OVERRIDE_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match="cannot be loaded"):
        WeakFaceRestorer().restored(aligned(brought_down(portrait, 32)))


# -------------------------------------------------------------------------- a file of the user's


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("shape", [WHOLE, ("n", 3, "height", "width")])
def test_a_file_restores_every_face(tmp_path, portrait, shape, half):
    path = onnx_network(tmp_path / "gan.onnx", shape, add=-0.25, half=half)
    face = aligned(portrait)
    restored = UserRestorer(path).restored(face)
    wanted = (face.crop.astype(float) - 31.875).clip(0)
    np.testing.assert_allclose(restored.crop, wanted, atol=1)


def test_a_face_of_another_side_keeps_it(tmp_path):
    path = onnx_network(tmp_path / "gan.onnx", WHOLE)
    crop = UserRestorer(path).crop(np.full((16, 16, 3), 100, np.uint8))
    assert crop.shape == (16, 16, 3) and (crop == 100).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": (1, 3, 256, 256)}, "1 x 3 x 256 x 256"),
        ({"shape": (1, 512, 512, 3)}, "1 x 512 x 512 x 3"),
        ({"shape": (1, 3, 512)}, "1 x 3 x 512"),
        ({"shape": WHOLE, "inputs": 2}, "2 inputs"),
        ({"shape": WHOLE, "outputs": 2}, "2 outputs"),
        ({"shape": WHOLE, "integers": True}, "int64"),
    ],
)
def test_what_is_no_face_restorer_is_refused_in_one_sentence(tmp_path, options, words):
    with pytest.raises(UsageError) as found:
        UserRestorer(onnx_network(tmp_path / "other.onnx", **options))
    assert words in str(found.value) and "other.onnx" in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("data", [b"", b"this is no network", b"\x08\x08\x12"])
def test_junk_is_refused_in_one_sentence(tmp_path, data):
    path = tmp_path / "junk.onnx"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"The restorer junk\.onnx ") as found:
        UserRestorer(path)
    assert "\n" not in str(found.value)


def test_a_network_that_gives_no_numbers_is_refused(tmp_path):
    path = onnx_network(tmp_path / "nan.onnx", WHOLE, add=float("nan"))
    with pytest.raises(UsageError, match="gives no picture"):
        UserRestorer(path).crop(np.zeros((512, 512, 3), np.uint8))


@pytest.mark.parametrize("text", ["on", "", "gfpgan.pth", "nowhere.onnx", "."])
def test_a_choice_that_makes_no_sense_is_refused(text):
    with pytest.raises(UsageError):
        check_restore(text)


def test_off_is_nobody():
    assert restorer_of("off") is None and isinstance(restorer_of("auto"), WeakFaceRestorer)


# ---------------------------------------------------------------------------- the command line


@pytest.fixture
def here(run, site, pipeline, tmp_path):
    """`hasnet` in a folder with a photo, a restorer, and one domain."""
    site.install("pencil")
    picture("face.png")
    onnx_network(Path("gan.onnx"), WHOLE, add=0.1)
    return run


def test_a_file_is_recorded_and_repeated(here):
    args = ("avatar", "face.png", "--domain", "pencil", "--restore", "./gan.onnx", "-o", "a.png")
    code, _, err = here(*args)
    assert code == 0 and "The face was restored." in err
    found = json.loads(here("explain", "a.png", "--json").out)
    assert found["record"]["restorer"] == sha256_of(Path("gan.onnx"))
    assert "--restore gan.onnx" in found["command"]


def test_auto_counts_its_weights(here):
    here("avatar", "face.png", "--domain", "pencil", "--restore", "auto", "-o", "a.png")
    here("avatar", "face.png", "--domain", "pencil", "--restore", "off", "-o", "b.png")
    auto, off = (json.loads(here("explain", n, "--json").out)["record"] for n in ("a.png", "b.png"))
    assert {*auto["weights"]} - {*off["weights"]} <= {"restorer.onnx"}
    assert "restorer" not in auto and "restorer" not in off


def test_sheet_and_batch_take_it_too(here):
    picture("photos/one.png")
    look = ("--domain", "pencil", "--restore", "gan.onnx")
    assert here("sheet", "face.png", *look, "-o", "sheet.png").code == 0
    assert here("batch", "photos", *look, "-o", "out").code == 0
    record = image_io.read_metadata("out/one.png")
    assert record["restorer"] == sha256_of(Path("gan.onnx"))


@pytest.mark.parametrize("choice", ["on", "nowhere.onnx", "junk.onnx", "face.png"])
@pytest.mark.parametrize("command", ["avatar", "sheet"])
def test_what_cannot_restore_is_2_before_any_work(here, pipeline, command, choice):
    Path("junk.onnx").write_bytes(b"junk")
    code, out, err = here(command, "face.png", "--domain", "pencil", "--restore", choice)
    assert code == 2 and out == "" and "Traceback" not in err
    assert pipeline.rendered == []


def test_a_batch_is_done_again_where_the_restorer_is_another(here, pipeline):
    def parameters(choice: str) -> str:
        request = Request(ref="face.png", domain="none", restore=choice)
        job = Job.start(request, Registry([]), lambda *_: pipeline, lambda _text: None)
        return fingerprint_of(job).parameters

    first = parameters("gan.onnx")
    Path("gan.onnx").rename("renamed.onnx")
    assert parameters("renamed.onnx") == first
    onnx_network(Path("renamed.onnx"), WHOLE, add=0.2)
    assert len({first, parameters("renamed.onnx"), parameters("auto"), parameters("off")}) == 4


# -------------------------------------------------------------------------------- data import


class Finds:
    def detect(self, rgb):
        landmarks = (FFHQ_TEMPLATE_512 * rgb.shape[0] / 512).astype(np.float32)
        return [Face(np.array([0, 0, *rgb.shape[1::-1]], np.float32), landmarks, 0.9)]


def test_an_import_says_which_faces_were_restored(tmp_path, portrait):
    (tmp_path / "set" / "mine").mkdir(parents=True)
    image_io.write(brought_down(portrait, 96), tmp_path / "set" / "mine" / "a.png")
    path = onnx_network(tmp_path / "gan.onnx", WHOLE, add=0.1)
    job = importing.ImportJob(
        "folder", tmp_path / "set", tmp_path / "out", align="detect", restore=str(path)
    )
    report = importing.run(job, Finds)
    (row,) = read_table(tmp_path / "out" / INDEX)[1]
    assert report.restored == 1 and row["source"].endswith("(restored)")


def test_an_import_refuses_a_restorer_that_is_not_there(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(UsageError, match="no restorer"):
        importing.plan(
            importing.ImportJob("folder", tmp_path / "set", tmp_path / "out", restore="no.onnx")
        )
