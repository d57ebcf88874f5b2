"""The controls of an avatar's look: bounds, defaults, and what is written down of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_reference
from fakes import FakePipeline

from hasnet_models import image_io
from hasnet_models.avatar.fingerprint import fingerprint_of
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import Request
from hasnet_models.errors import UsageError
from hasnet_models.plugins import DataFile, Domain, Registry
from hasnet_models.plugins.reference import save_references
from hasnet_models.runtimes.names import TORCH
from hasnet_models.topology.strength import Shaping


def test_strength_weakens_what_was_not_asked_for():
    weak = Look(strength=0.5)
    assert weak.shape_of(1.1) == pytest.approx(0.55) and weak.colouring == pytest.approx(0.4)
    own = replace(weak, shape=1.5, appearance=1.0)
    assert own.shape_of(1.1) == 1.5 and own.colouring == 1
    assert Look(strength=0).shape_of(1.1) == 0 == Look(strength=0).colouring


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("shape", 1.51, "1.5"), ("shape", -0.1, "1.5"), ("shape", float("nan"), "1.5"),
        ("appearance", 1.01, "1"), ("appearance", float("inf"), "1"), ("strength", -1, "1"),
    ],
)  # fmt: skip
def test_a_number_out_of_range_is_one_sentence(name, value, most):
    with pytest.raises(UsageError, match=f"The {name} must be 0 to {most}, not") as caught:
        Request.of(domain="a", **{name: value}).check()
    assert caught.value.parameters == (name,)


def test_only_what_differs_from_the_defaults_is_written_down():
    assert Request.of(domain="a").changed() == {"domain": "a"}
    changed = Request.of(domain="a", shape=0.0, appearance=0.5, strength=0.5).changed()
    assert changed == {"domain": "a", "shape": 0.0, "appearance": 0.5, "strength": 0.5}


@pytest.mark.parametrize(
    ("option", "value"), [("--shape", "1.6"), ("--shape", "nan"), ("--appearance", "-1")]
)
def test_the_command_line_refuses_it_with_2(run, site, pipeline, option, value):
    site.install("pencil")
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "face.png")
    for command in (["avatar", "face.png"], ["batch", ".", "-o", "out"], ["sheet", "face.png"]):
        code, _, err = run(*command, "--domain", "pencil", option, value)
        assert code == 2 and f"The {option[2:]} must be 0 to" in err and "Traceback" not in err


def test_an_avatar_tells_its_look_and_how_to_get_it_again(run, site, pipeline):
    site.install("pencil")
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "face.png")
    options = ("--shape", "0.4", "--appearance", "0.0")
    assert run("avatar", "face.png", "--domain", "pencil", *options, "-o", "a.png").code == 0
    assert pipeline.looks == [Look(0.4, 0.0)]
    found = json.loads(run("explain", "a.png", "--json").out)
    assert found["record"]["options"] == {"shape": 0.4, "appearance": 0.0}
    assert "--appearance 0.0 --shape 0.4" in found["command"]


# -------------------------------------------------------------------------------- fingerprints


def job(folder, request: Request, references, shaping: Shaping | None = None, **whole) -> Job:
    path = folder / f"{len(list(folder.iterdir()))}.safetensors"
    save_references(path, references, **whole)
    domain = Domain("pencil", "Pencil", "test", DataFile(path), shaping=shaping or Shaping())
    return Job.start(request, Registry((domain,)), lambda *_: FakePipeline(), lambda _: None)


def test_a_job_without_anything_new_keeps_the_hash_it_had(tmp_path):
    reference = make_reference("pencil-01", 1)
    made = job(tmp_path, Request(domain="pencil", reference="1"), [reference])
    made.pipeline.runtime_name = TORCH
    z_id = made.fixed.z_id
    # what the first version took the hash of
    old = {
        "domain": "pencil",
        "palette": hashlib.sha256(reference.palette.tobytes()).hexdigest(),
        "z_id": hashlib.sha256(z_id.tobytes()).hexdigest(),
    }
    text = json.dumps(old, sort_keys=True).encode()
    assert fingerprint_of(made).parameters == hashlib.sha256(text).hexdigest()[:16]


@pytest.mark.parametrize("choice", ["1", "likest"])
def test_all_that_changes_an_avatar_changes_the_hash(tmp_path, choice):
    plain = make_reference("pencil-01", 1)
    shape = np.zeros((468, 3), np.float32)
    appearance = np.full((48, 48, 3), 9, np.uint8)
    shares = np.full((20, 6), 0.05, np.float32)
    asked = Request(domain="pencil", reference=choice)
    jobs = [
        job(tmp_path, asked, [plain]),
        job(tmp_path, asked, [replace(plain, shape=shape)]),
        job(tmp_path, asked, [replace(plain, appearance=appearance)]),
        job(tmp_path, asked, [replace(plain, shares=shares)]),
        job(tmp_path, asked, [plain], shape=shape),
        job(tmp_path, asked, [plain], appearance=appearance),
        job(tmp_path, asked, [plain], Shaping(0.75)),
        job(tmp_path, replace(asked, look=Look(shape=1.1)), [plain]),
        job(tmp_path, replace(asked, look=Look(appearance=0.3)), [plain]),
    ]
    assert len({fingerprint_of(one).parameters for one in jobs}) == len(jobs)
