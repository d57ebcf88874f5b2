"""`hasnet doctor` on sound and on broken installations."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch

from hasnet_cli import checks
from hasnet_models.weights import files


@pytest.fixture
def sound(run, monkeypatch):
    """An installation that needs no other weights than those in the repository."""
    present = tuple(files.read_manifest(files.weights_folder()))
    monkeypatch.setattr(files, "NETWORKS", present)
    return run


def rows(run, code: int):
    result = run("doctor", "--json")
    assert result.code == code, result.out
    document = json.loads(result.out)
    assert document["schema"] == 1 and document["ok"] == (code == 0)
    return {(c["section"], c["name"]): c for c in document["checks"]}


def test_a_sound_installation_is_0(sound, site):
    site.install("pencil")
    found = rows(sound, 0)
    assert found["devices", "cpu"]["status"] == "ok"
    assert "small forward pass is right" in found["devices", "cpu"]["detail"]
    assert found["plugins", "pencil"]["detail"].startswith("hasnet-domain-pencil 1.0: 3 references")
    assert "sha256" in found["weights", "vgg16.safetensors"]["detail"]
    assert "MIT" in found["weights", "vgg16.safetensors"]["detail"]
    assert found["versions", "torch"]["detail"] == torch.__version__


def test_the_report_can_be_pasted(sound, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path.cwd().parent)
    code, out, _ = sound("doctor")
    assert code == 0 and "### versions" in out and "current: ~/here" in out
    assert str(Path.cwd().parent) not in out


def test_a_missing_weight_file_is_5(sound, monkeypatch):
    monkeypatch.setattr(files, "NETWORKS", ("nothing.safetensors",))
    found = rows(sound, 5)
    assert "missing" in found["weights", "nothing.safetensors"]["detail"]


@pytest.mark.parametrize("text", [None, "", "{"])
def test_a_broken_manifest_is_5_and_hides_nothing_else(sound, site, tmp_path, monkeypatch, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    monkeypatch.setattr(files, "weights_folder", lambda: tmp_path)
    site.install("pencil")
    found = rows(sound, 5)
    assert found["plugins", "pencil"]["status"] == "ok"


def test_a_broken_plugin_is_6_with_its_traceback(sound, site):
    site.install("anime", "def broken():\n    raise SystemExit('no licence')\nbroken()")
    (site.install("bent") / "references.safetensors").write_bytes(b"junk")
    found = rows(sound, 6)
    assert found["plugins", "bent"]["status"] == "failed"
    failure = found["plugins", "hasnet-domain-anime 1.0"]
    assert "no licence" in failure["detail"] and "in broken" in failure["more"]
    assert "in broken" in sound("doctor").out


def test_a_device_that_computes_wrongly_is_7(sound, monkeypatch):
    monkeypatch.setattr(checks, "_difference", lambda device: 1.0)
    assert "computes wrongly" in rows(sound, 7)["devices", "cpu"]["detail"]


def test_a_device_that_only_says_it_is_there_is_7(sound, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Imagined")
    if torch.version.cuda is None:
        assert rows(sound, 7)["devices", "cuda:0"]["status"] == "failed"


def test_a_library_that_cannot_be_imported_is_one_failed_check(sound, site, monkeypatch):
    site.install("pencil")
    monkeypatch.setitem(sys.modules, "hasnet_models.plugins.detectors", None)
    found = rows(sound, 1)
    assert found["devices", "detector"]["status"] == "failed"
    assert found["plugins", "pencil"]["status"] == "ok"


def test_rival_distributions_are_named(sound, site, monkeypatch):
    for name in ("onnxruntime", "onnxruntime-gpu"):
        info = site.folder / f"{name.replace('-', '_')}-9.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n")
    importlib.invalidate_caches()
    check = rows(sound, 0)["versions", "two of onnxruntime"]
    assert check["status"] == "note" and "onnxruntime and onnxruntime-gpu" in check["detail"]


def test_settings_are_shown_with_where_they_come_from(sound, monkeypatch):
    Path("hasnet.toml").write_text('device = "cpu"\n')
    monkeypatch.setenv("HASNET_BACKEND", "embedded")
    found = rows(sound, 0)
    assert found["settings", "HASNET_DEVICE"]["detail"] == "cpu (from hasnet.toml)"
    assert "from the environment" in found["settings", "HASNET_BACKEND"]["detail"]


def test_wrong_settings_are_a_failed_check_not_the_end(sound):
    Path("hasnet.toml").write_text("devise = 1\n")
    assert "Did you mean 'device'?" in rows(sound, 2)["settings", "files"]["detail"]
