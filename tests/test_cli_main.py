from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

from hasnet_cli import factory, hints
from hasnet_cli.builtin import COMMANDS
from hasnet_models import __version__, errors, image_io

FAKE = str(Path(__file__).with_name("fakes.py"))
REPOSITORY = Path(__file__).parents[1]


def process(*args: object, script: tuple[str, ...] = (FAKE,), **environment: str):
    return subprocess.run(
        [sys.executable, *script, *map(str, args)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
        timeout=60,
        check=False,
    )


def test_version(run):
    assert run("--version").out == f"hasnet, version {__version__}\n"


def test_help_lists_every_command_with_its_own_first_line(run):
    shown = run("--help").out
    for name, line in COMMANDS.items():
        assert f"{name} " in shown and line in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_listed_line_is_the_command_s_own(name):
    command = importlib.import_module(f"hasnet_cli.commands.{name}").command
    assert isinstance(command, click.Command) and command.name == name
    assert command.help.splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run, name):
    code, out, _ = run(name, "-h")
    assert code == 0 and "Usage: hasnet " + name in out


@pytest.mark.parametrize("args", [["--help"], ["avatar", "--help"], ["domains"], ["--version"]])
def test_what_needs_no_networks_imports_nothing_heavy(site, args):
    site.install("pencil")
    code = (
        f"import sys; sys.path.append({str(site.folder)!r})\n"
        f"from hasnet_cli.main import main; main({args!r})\n"
        "heavy = {'torch', 'numpy', 'cv2', 'PIL', 'onnxruntime'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = process(script=("-c", code))
    assert done.returncode == 0, done.stderr
    assert args != ["domains"] or "pencil" in done.stdout


# What took a noticeable part of a command's time, and is wanted by others only.
SPARED = {
    "hashlib", "importlib.metadata", "json", "pluggy", "shutil", "subprocess", "tempfile",
    "cv2", "onnxruntime", "torch", "rich", "PIL.ImageCms",
    *(f"PIL.{name}ImagePlugin" for name in ("Avif", "Bmp", "Gif", "Jpeg", "Tiff", "WebP")),
    *(["platformdirs"] if sys.platform == "linux" else []),
}  # fmt: skip


@pytest.mark.parametrize("args", [["--version"], ["palette", "--whole", "ours.png"]])
def test_a_quick_command_imports_only_what_it_needs(tmp_path, monkeypatch, args):
    monkeypatch.chdir(tmp_path)
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "ours.png")
    code = (
        f"import sys; from hasnet_cli.main import main; code = main({args!r})\n"
        f"sys.exit(code or ' '.join({SPARED!r} & set(sys.modules)) or 0)"
    )
    done = process(script=("-c", code))
    assert (done.returncode, done.stderr) == (0, "")


def test_no_circles_are_looked_for_at_the_end():
    code = (
        "import atexit, gc; from hasnet_cli.main import main\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"
        "main(['--version'])"
    )
    assert process(script=("-c", code)).stdout.splitlines()[-1] == "True"


def test_a_misspelt_command_is_suggested(run):
    code, _, err = run("avatr", "x.png")
    assert code == 2 and "Did you mean 'avatar'?" in err


@pytest.mark.parametrize("args", [(), ("nonsense",), ("--nonsense",), ("avatar",), ("batch", "x")])
def test_wrong_usage_is_2(run, args):
    code, out, err = run(*args)
    assert code == 2 and out == "" and err and "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.HasnetError, 1),
        (errors.ImageError, 1),
        (errors.UsageError, 2),
        (errors.NoFaceError, 4),
        (errors.WeightsError, 5),
        (errors.DomainError, 6),
        (errors.PluginError, 6),
        (errors.DeviceError, 7),
    ],
)
def test_an_error_is_one_sentence_a_hint_and_its_code(run, monkeypatch, error, code):
    def fail():
        raise error("It cannot be done.", "Do without.")

    monkeypatch.setattr(factory, "find_domains", fail)
    assert run("domains") == (code, "", "hasnet: It cannot be done.\n  Do without.\n")


@pytest.mark.parametrize("error", hints.HINTS)
def test_an_error_without_a_hint_gets_that_of_its_class(run, monkeypatch, error):
    def fail():
        raise error("It cannot be done.")

    monkeypatch.setattr(factory, "find_domains", fail)
    assert run("domains").err == f"hasnet: It cannot be done.\n  {hints.HINTS[error]}\n"


def test_an_internal_error_is_one_line_and_a_traceback_only_on_request(run, monkeypatch):
    def fail():
        raise KeyError("what")

    monkeypatch.setattr(factory, "find_domains", fail)
    code, out, err = run("domains")
    assert (code, out) == (1, "")
    assert "internal error: KeyError" in err and err.count("\n") == 1
    assert "Traceback" in run("domains", "-v").err
    assert "Traceback" in run("-v", "domains").err


def test_ctrl_c_is_130(run, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(factory, "find_domains", interrupt)
    code, out, err = run("domains")
    assert code == 130 and out == "" and "Interrupted" in err


def test_exit_codes_reach_the_shell(tmp_path):
    image_io.write(np.zeros((20, 20, 3), np.uint8), tmp_path / "black.png")
    image_io.write(np.full((20, 20, 3), 200, np.uint8), tmp_path / "face.png")
    common = ("--ref", tmp_path / "face.png", "-o", tmp_path / "out.png")
    assert process("avatar", tmp_path / "face.png", *common).returncode == 0
    assert process("avatar", tmp_path / "black.png", *common).returncode == 4
    assert process("avatar", tmp_path / "none.png", *common).returncode == 2
    assert process("avatar", tmp_path / "face.png", "--domain", "qq").returncode == 6


def test_output_in_a_narrow_encoding_does_not_fail(tmp_path):
    image_io.write(np.full((20, 20, 3), 200, np.uint8), tmp_path / "лицо.png")
    done = process(
        "align", tmp_path / "лицо.png", "-o", tmp_path / "x.gif.nope", PYTHONIOENCODING="cp1252"
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    done = process("domains", PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
