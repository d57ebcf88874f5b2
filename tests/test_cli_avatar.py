from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import picture

from hasnet_cli import factory
from hasnet_models import image_io
from hasnet_models.errors import DeviceError, WeightsError

FAKE = str(Path(__file__).with_name("fakes.py"))
REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def face(tmp_path):
    return picture(tmp_path / "face.png")


def test_the_result_is_named_after_photo_and_domain(run, site, pipeline, face):
    site.install("pencil")
    code, out, _ = run("avatar", face, "--domain", "pencil")
    assert (code, out) == (0, "face-pencil.png\n")
    assert image_io.read("face-pencil.png").rgb.shape == (16, 16, 3)
    assert image_io.read_metadata("face-pencil.png")["domain"] == "pencil"


def test_a_reference_picture_takes_the_nearest_domain_and_says_so(run, site, pipeline, face):
    site.install("pencil")
    red = picture(face.parent / "ref [red].jpg", 90)
    code, out, err = run("avatar", face, "--ref", red, "-o", "a.png")
    assert (code, out) == (0, "a.png\n")
    assert "nearest to domain 'pencil'" in err
    assert "ref [red].jpg: taken as an aligned crop." in err
    assert pipeline.rendered == [("ref [red].jpg", "pencil")]


def test_the_base_network_alone(run, site, pipeline, face):
    site.install("pencil")
    assert run("avatar", face, "--ref", face, "--domain", "none").out == "face-face.png\n"
    assert pipeline.rendered == [("face.png", None)]


def test_without_any_domain_the_base_network_is_used_and_said(run, pipeline, face):
    code, _, err = run("avatar", face, "--ref", face, "-o", "x.png")
    assert code == 0 and "base network" in err


def test_a_damaged_domain_is_left_out_when_the_nearest_is_sought(run, site, pipeline, face):
    (site.install("aaa") / "references.safetensors").write_bytes(b"junk")
    site.install("pencil")
    _, _, err = run("avatar", face, "--ref", face, "-o", "x.png")
    assert "aaa is left out" in err and pipeline.rendered[0][1] == "pencil"


def test_a_reference_picture_with_a_named_domain(run, site, pipeline, face):
    site.install("pencil")
    run("avatar", face, "--ref", face, "--domain", "pencil")
    assert pipeline.rendered == [("face.png", "pencil")]


@pytest.mark.parametrize(
    ("choice", "name"), [("2", "pencil-02"), ("pencil-03", "pencil-03"), ("likest", "pencil-02")]
)
def test_references_are_chosen(run, site, pipeline, face, choice, name):
    site.install("pencil")
    two = picture(face.parent / "two.png", 2)
    run("avatar", two, "--domain", "pencil", "--reference", choice)
    assert pipeline.rendered == [(name, "pencil")]


def test_likest_is_the_default(run, site, pipeline, face):
    site.install("pencil")
    run("avatar", picture(face.parent / "three.png", 3), "--domain", "pencil")
    assert pipeline.rendered == [("pencil-03", "pencil")]


def test_a_seed_makes_random_repeatable(run, site, pipeline, face):
    site.install("pencil")
    common = ("avatar", face, "--domain", "pencil", "--reference", "random")
    for seed in (1, 1, 2, 3, 4, 5, 6):
        run(*common, "--seed", seed)
    names = [name for name, _ in pipeline.rendered]
    assert names[0] == names[1] and len(set(names)) > 1
    _, _, err = run(*common)
    seed = err.split("Seed ")[1].split(".")[0]
    run(*common, "--seed", seed)
    assert pipeline.rendered[-1] == pipeline.rendered[-2]


def test_steps_are_written_side_by_side(run, site, pipeline, face):
    site.install("pencil")
    code, out, _ = run("avatar", face, "--domain", "pencil", "--steps-out", "steps.png")
    assert (code, out) == (0, "face-pencil.png\n")
    steps = image_io.read("steps.png").rgb
    assert steps.shape == (16, 96, 3)
    np.testing.assert_array_equal(steps[:, 80:], image_io.read("face-pencil.png").rgb)


def test_paste_gives_the_whole_photo(run, site, pipeline, face):
    site.install("pencil")
    run("avatar", face, "--domain", "pencil", "--paste", "-o", "whole.png")
    whole, photo = image_io.read("whole.png").rgb, image_io.read(face).rgb
    assert whole.shape == photo.shape and (whole != photo).any()


def test_strength_goes_from_the_colours_alone_to_the_whole_effect(run, site, pipeline, face):
    site.install("pencil")
    pictures = {}
    for strength in ("0", "0.5", "1"):
        args = ("avatar", face, "--domain", "pencil", "--reference", "1", "--strength", strength)
        assert run(*args, "-o", f"{strength}.png").code == 0
        pictures[strength] = image_io.read(f"{strength}.png").rgb.astype(int)
    middle = (pictures["0"] + pictures["1"]) / 2
    assert abs(pictures["0.5"] - middle).max() <= 0.5
    assert (pictures["0"] != pictures["1"]).any()
    assert '"strength": 0.5' in str(image_io.read_metadata("0.5.png"))


@pytest.mark.parametrize("strength", ["-0.1", "1.5", "nan"])
def test_a_strength_out_of_range_is_2(run, site, pipeline, face, strength):
    site.install("pencil")
    code, _, err = run("avatar", face, "--domain", "pencil", "--strength", strength)
    assert code == 2 and "0 to 1" in err


def test_a_folder_as_output(run, site, pipeline, face, tmp_path):
    site.install("pencil")
    run("avatar", face, "--domain", "pencil", "-o", tmp_path)
    assert (tmp_path / "face-pencil.png").exists()


def test_standard_input_and_output(face):
    done = subprocess.run(
        [sys.executable, FAKE, "avatar", "-", "--ref", face, "--domain", "none", "-o", "-"],
        input=face.read_bytes(),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
    assert image_io.read(io.BytesIO(done.stdout)).rgb.shape == (16, 16, 3)


def test_standard_input_is_called_stdin(run, site, pipeline, face, monkeypatch):
    site.install("pencil")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(face.read_bytes())))
    assert run("avatar", "-", "--domain", "pencil").out == "stdin-pencil.png\n"


def test_notes_are_silenced_by_q(run, site, pipeline, face):
    site.install("pencil")
    gray = picture(face.parent / "gray.png", 120)
    assert "2 faces" in run("avatar", gray, "--domain", "pencil").err
    assert run("avatar", gray, "--domain", "pencil", "-q") == (0, "gray-pencil.png\n", "")
    assert run("-q", "avatar", gray, "--domain", "pencil").err == ""


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--domain", "none"),
        ("--ref", "FACE", "--reference", "2"),
        ("--domain", "pencil", "--seed", "3"),
        ("--domain", "pencil", "--reference", "likest", "--seed", "3"),
        ("--domain", "pencil", "--face", "somewhere"),
        ("--domain", "pencil", "--face", "1,2,3"),
        ("--domain", "pencil", "--face", "1,2,0,4"),
        ("--domain", "pencil", "--face", "1,2,nan,4"),
        ("--domain", "pencil", "-o", "FACE"),
        ("--ref", "FACE", "-o", "FACE"),
        ("--domain", "pencil", "-o", "no/such/folder/x.png"),
        ("--domain", "pencil", "-o", "x.txt"),
        ("--domain", "pencil", "-o", "suffixless"),
        ("--domain", "pencil", "--steps-out", "x.txt"),
        ("--domain", "pencil", "-o", "same.png", "--steps-out", "same.png"),
        ("--ref", "missing.png"),
        ("--backend", "magic", "--domain", "pencil"),
    ],
)
def test_contradictions_are_refused_before_any_work(run, site, pipeline, face, args):
    site.install("pencil")
    before = face.read_bytes()
    code, out, err = run("avatar", face, *(face if arg == "FACE" else arg for arg in args))
    assert code == 2 and out == "" and "Traceback" not in err
    assert pipeline.rendered == [] and face.read_bytes() == before


def test_an_unknown_domain_is_6_with_a_suggestion(run, site, pipeline, face):
    site.install("pencil")
    code, _, err = run("avatar", face, "--domain", "pensil")
    assert code == 6 and "Did you mean 'pencil'?" in err


def test_an_unknown_reference_is_6(run, site, pipeline, face):
    site.install("pencil")
    code, _, err = run("avatar", face, "--domain", "pencil", "--reference", "99")
    assert code == 6 and "1 to 3" in err


def test_a_broken_plugin_is_6_with_its_error_when_its_domain_is_named(run, site, pipeline, face):
    site.install("anime", "import no_such_module_anywhere")
    code, _, err = run("avatar", face, "--domain", "anime")
    assert code == 6 and "no_such_module_anywhere" in err and "Traceback" not in err


def test_a_broken_plugin_does_not_stop_another_domain(run, site, pipeline, face):
    site.install("anime", "raise SystemExit(9)")
    site.install("pencil")
    code, out, err = run("avatar", face, "--domain", "pencil")
    assert (code, out) == (0, "face-pencil.png\n") and "hasnet-domain-anime" in err


def test_no_face_is_4_and_nothing_is_written(run, site, pipeline, face, tmp_path):
    site.install("pencil")
    black = picture(tmp_path / "black.png", 0)
    code, out, err = run("avatar", black, "--domain", "pencil", "-o", "x.png")
    assert (code, out) == (4, "") and "No face was found in black.png." in err
    assert list((tmp_path / "here").iterdir()) == []
    assert run("avatar", black, "--domain", "pencil", "--face", "1,1,9,9").code == 0


@pytest.mark.parametrize(("error", "code"), [(WeightsError, 5), (DeviceError, 7)])
def test_what_the_pipeline_cannot_load_has_its_code(run, site, face, monkeypatch, error, code):
    def fail(device, *_):
        raise error(f"Not on {device}.")

    site.install("pencil")
    monkeypatch.setattr(factory, "load_pipeline", fail)
    result = run("avatar", face, "--domain", "pencil", "--device", "cuda:7")
    assert result.code == code and result.err == "hasnet: Not on cuda:7.\n"


@pytest.mark.parametrize("content", [b"", b"this is text", b"\x89PNG\r\n\x1a\n half"])
def test_what_is_no_picture_is_one_sentence(run, site, pipeline, tmp_path, content):
    site.install("pencil")
    (tmp_path / "bad.jpg").write_bytes(content)
    code, out, err = run("avatar", tmp_path / "bad.jpg", "--domain", "pencil")
    assert code == 1 and out == "" and err.startswith("hasnet: bad.jpg")


def test_a_folder_is_no_photo(run, site, pipeline, tmp_path):
    site.install("pencil")
    assert run("avatar", tmp_path, "--domain", "pencil", "-o", "x.png").code == 2
