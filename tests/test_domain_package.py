"""A domain's package: used by its folder, sealed with a head, packed as a wheel, previewed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import make_reference
from fakes import picture

from hasnet_cli.commands.domain import LINES, command
from hasnet_cli.example import example_portrait
from hasnet_models import image_io
from hasnet_models.authoring.package import write_domain
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import Request
from hasnet_models.errors import DomainError
from hasnet_models.plugins import Domain, Registry
from hasnet_models.plugins.naming import label_of
from hasnet_models.plugins.reference import ReferenceSet
from hasnet_models.plugins.template import Facts
from hasnet_models.weights import load

FACTS = Facts("woodcut", "Woodcut", "CC0-1.0")


@pytest.fixture
def package(run) -> Path:
    """A plugin of three references in the folder where `run` calls hasnet."""
    folder = Path(FACTS.distribution)
    found = ReferenceSet(tuple(make_reference(f"woodcut-{i}", i) for i in range(1, 4)))
    write_domain(FACTS, folder, found, {}, "by hand")
    return folder


def test_the_code_of_a_folder_is_not_run(run, pipeline, package, tmp_path):
    code = package / FACTS.package / "__init__.py"
    code.write_text("raise SystemExit('it was run')")
    face = picture(tmp_path / "me.png")
    inner = f"./{package}/{FACTS.package}"
    for place in (f"./{package}", f"./{package}/", inner, package.absolute()):
        result = run("avatar", face, "--domain", place, "-o", "out.png")
        assert result.code == 0, result.err
    assert {domain for _, domain in pipeline.rendered} == {"woodcut"}
    assert image_io.read_metadata("out.png")["domain"] == "woodcut"


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("./nowhere", "There is no folder"),
        ("./empty", "holds no package"),
        ("./two", "holds 2 packages"),
        ("./bent", "domain.toml of hasnet_domain_bent cannot be read"),
        ("hasnet-domain-woodcut", "but a folder"),
        ("hasnet-domain-woodcut/", "but a folder"),
    ],
)
def test_a_folder_that_holds_no_domain_is_one_sentence(run, package, tmp_path, place, sentence):
    for name in ("empty", "two/a", "two/b", "bent/hasnet_domain_bent"):
        Path(name).mkdir(parents=True)
        if name != "empty":
            Path(name, "domain.toml").write_text("api = ")
    code, out, err = run("avatar", picture(tmp_path / "me.png"), "--domain", place)
    assert (code, out) == (6, "") and sentence in err and "Traceback" not in err


def test_data_that_changed_are_refused(run, package, tmp_path):
    file = package / FACTS.package / "references.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    for words in (("avatar", picture(tmp_path / "me.png"), "--domain"), ("domain", "preview")):
        assert run(*words, f"./{package}").code == 6


def test_an_installed_domain_is_never_a_folder(site, package):
    site.install("woodcut")
    Path("woodcut").mkdir()
    from hasnet_models.plugins import discover

    assert discover().get("woodcut").distribution == "hasnet-domain-woodcut"
    assert discover().get("hasnet-domain-woodcut/woodcut").distribution == "hasnet-domain-woodcut"


def test_outputs_are_called_after_the_domain():
    assert label_of("./worlds/hasnet-domain-woodcut/") == "woodcut"
    assert label_of("hasnet-domain-woodcut/woodcut") == "woodcut"
    assert Request(domain="~/woodcut").label == "woodcut"


def test_a_missing_folder_is_said_by_the_library():
    with pytest.raises(DomainError, match="There is no folder"):
        Registry().get("./nowhere")


def test_preview_is_a_sheet_of_references_by_photos(run, pipeline, package, tmp_path):
    face = picture(tmp_path / "me.png")
    result = run("domain", "preview", f"./{package}", face, face, "--count", "2", "--side", "32")
    assert (result.code, result.out) == (0, "woodcut-preview.jpg\n")
    assert [name for name, _ in pipeline.rendered] == ["woodcut-1", "woodcut-2"] * 2
    height, width = image_io.read("woodcut-preview.jpg").rgb.shape[:2]
    assert (height, width) == (3 * 34 + 2, 3 * 34 + 2)
    assert run("domain", "preview", f"./{package}", "-o", "sheet.png").out == "sheet.png\n"
    assert len(pipeline.rendered) == 4 + 3  # the example portrait by all three


def test_preview_takes_installed_domains_and_says_what_it_does_not_know(run, site, pipeline):
    site.install("pencil")
    assert run("domain", "preview", "pencil").out == "pencil-preview.jpg\n"
    assert run("domain", "preview", "pencli").code == 6
    assert run("domain", "preview", "pencil", "nowhere.png", "-o", "x.png").code == 1
    assert not Path("x.png").exists()


def test_the_example_portrait_is_a_picture():
    assert image_io.read(example_portrait()).rgb.shape == (512, 512, 3)


def test_seal_writes_new_hashes(run, package):
    manifest = package / FACTS.package / "domain.toml"
    before = manifest.read_text()
    file = package / FACTS.package / "references.safetensors"
    manifest.write_text(before.replace("sha256 = ", "# sha256 = "))
    assert run("domain", "seal", package).out == f"{manifest}\n"
    assert manifest.read_text() == before
    file.unlink()
    code, _, err = run("domain", "seal", package)
    assert code == 6 and "references.safetensors" in err and manifest.read_text() == before
    assert run("domain", "seal", "nowhere").code == 6


@pytest.mark.slow
def test_seal_puts_a_head_in_that_fits(run, package, tmp_path):
    inner = package / FACTS.package
    before = sorted(inner.iterdir()), (inner / "domain.toml").read_bytes()
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    for head in ("junk.safetensors", "missing.safetensors"):
        code, _, err = run("domain", "seal", package, "--head", tmp_path / head)
        assert code == 5 and "Traceback" not in err
        assert (sorted(inner.iterdir()), (inner / "domain.toml").read_bytes()) == before
    state, metadata = load.load_state(load.weight_path("tt_net.safetensors"))
    load.save_state(tmp_path / "head.safetensors", state, metadata)
    assert run("domain", "seal", package, "--head", tmp_path / "head.safetensors").code == 0
    assert Domain.from_folder(inner).head == inner / "head.safetensors"


@pytest.mark.slow
def test_a_packed_domain_is_listed_where_it_is_installed(run, package, tmp_path):
    pytest.importorskip("build")
    before = sorted(package.rglob("*"))
    code, out, err = run("domain", "pack", package)
    assert code == 0, err
    wheel = Path(out.strip())
    assert wheel.name == "hasnet_domain_woodcut-0.1.0-py3-none-any.whl"
    assert sorted(package.rglob("*")) == before and list(wheel.parent.iterdir()) == [wheel]
    assert run("domain", "pack", package).code == 2 and "--overwrite" in run(
        "domain", "pack", package
    ).err
    assert run("domain", "pack", package, "--overwrite").code == 0
    target = tmp_path / "site-packages"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target"]
    subprocess.run([*pip, target, wheel], check=True, capture_output=True)
    paths = os.pathsep.join([str(target), *sys.path])
    listed = subprocess.run(
        [sys.executable, "-m", "hasnet_cli", "domains", "--json"],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = {one["name"]: one for one in json.loads(listed)["domains"]}["woodcut"]
    assert found["plugin"] == "hasnet-domain-woodcut 0.1.0" and "error" not in found
    assert found["references"] == ["woodcut-1", "woodcut-2", "woodcut-3"]


def test_what_cannot_be_packed_is_one_sentence(run, package, monkeypatch):
    pytest.importorskip("build")
    assert run("domain", "pack", "nowhere").code == 6
    (package / "pyproject.toml").unlink()
    code, _, err = run("domain", "pack", package)
    assert code == 2 and "has no pyproject.toml" in err
    (package / FACTS.package / "references.safetensors").write_bytes(b"junk")
    assert run("domain", "pack", package).code == 6
    assert not Path("dist").exists()


def test_a_project_that_does_not_build_is_one_sentence(run, package):
    pytest.importorskip("build")
    (package / "pyproject.toml").write_text("[project]\nname = 5\n")
    code, out, err = run("domain", "pack", package)
    assert code == 1 and out == "" and "cannot be built" in err and "Traceback" not in err


def test_without_its_library_packing_says_what_to_install(run, package, monkeypatch):
    monkeypatch.setitem(sys.modules, "build", None)
    code, _, err = run("domain", "pack", package)
    assert code == 2 and "build" in err and "hasnet[domain]" in err


@pytest.mark.parametrize("name", ["new", "build", "preview", "seal", "pack"])
def test_the_listed_line_is_the_subcommand_s_own(name):
    with click.Context(command) as ctx:
        assert command.get_command(ctx, name).help.splitlines()[0] == LINES[name]
        assert command.get_command(ctx, "nothing") is None


def test_another_process_finds_the_folder():
    job = Job(Request(domain="./woodcut"), None, None, None, 0)
    assert job.portable_request.domain == str(Path("woodcut").absolute())


def test_a_batch_takes_a_folder(run, pipeline, package):
    picture("photos/me.png")
    result = run("batch", "photos", "-o", "out", "--domain", f"./{package}", "--progress", "none")
    assert result.code == 0, result.err
    assert pipeline.rendered[0][1] == "woodcut"
