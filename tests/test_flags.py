"""Errors of the library state facts; the command line says which flags they are about."""

from __future__ import annotations

import ast
import importlib
import pickle
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest

from hasnet_cli.builtin import COMMANDS
from hasnet_cli.flags import flag, with_flags
from hasnet_cli.hints import hint_of
from hasnet_models import image_io
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import Request
from hasnet_models.errors import NoFaceError, UsageError
from hasnet_models.face.choice import FaceChoice

ROOT = Path(__file__).parents[1]


def options() -> set[str]:
    """Every flag of every command."""
    found = set()
    for name in COMMANDS:
        command = importlib.import_module(f"hasnet_cli.commands.{name}").command
        for one in (command, *getattr(command, "commands", {}).values()):
            for parameter in one.params:
                found |= {*parameter.opts, *parameter.secondary_opts}
    return found


def named_parameters() -> set[str]:
    """The constants that `parameters=(...)` holds anywhere in the library."""
    found = set()
    for path in (ROOT / "hasnet_models").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "parameters":
                constants = ast.walk(node.value)
                found |= {n.value for n in constants if isinstance(n, ast.Constant)}
    return found


def test_every_parameter_of_an_error_is_a_flag():
    assert {"face", "out", "overwrite", "domain"} <= named_parameters()
    known = options()
    asked = {field.name for field in (*fields(Request), *fields(Look))} - {"look"}
    for parameter in named_parameters() | asked:
        assert flag(parameter) in known, parameter


def test_the_library_s_avatars_and_batches_know_no_flags():
    for room in ("image_io", "face", "avatar", "batch"):
        for path in (ROOT / "hasnet_models" / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error"):
                    assert "--" not in ast.unparse(node) and " -o" not in ast.unparse(node), path


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (UsageError("No."), None),
        (UsageError("No.", "Do without."), "Do without."),
        (UsageError("No.", parameters=("size", "ref_face")), "See --size, --ref-face."),
        (UsageError("No.", "Give out=DIR.", parameters=("out",)), "Give -o DIR."),
        (UsageError("No.", "Give size=3 or paste=True.", parameters=("paste",)),
         "Give size=3 or --paste."),
        (NoFaceError("No.", "Give face=x,y,w,h, not surface=3.", parameters=("face",)),
         "Give --face x,y,w,h, not surface=3."),
    ],
)  # fmt: skip
def test_hints_with_flags(error, hint):
    assert hint_of(error) == hint


def test_only_the_parameters_that_are_meant_become_flags():
    assert with_flags("size=3.png is bad", ("face",)) == "size=3.png is bad"


def test_parameters_survive_the_way_to_another_process():
    error = pickle.loads(pickle.dumps(UsageError("No.", "Why.", parameters=("size",))))
    assert (str(error), error.hint, error.parameters) == ("No.", "Why.", ("size",))


@pytest.mark.parametrize(
    ("request_", "parameters"),
    [
        (Request(), ("domain", "ref")),
        (Request(domain="none"), ("domain", "ref")),
        (Request(ref="a.png", reference="2"), ("reference", "ref")),
        (Request(domain="a", seed=3), ("reference", "seed")),
        (Request(domain="a", size=64, paste=True), ("size", "paste")),
        (Request(domain="a", size=5), ("size",)),
        (Request.of(domain="a", strength=float("nan")), ("strength",)),
        (Request(ref="a.png", ref_face=FaceChoice.parse("all")), ("ref_face",)),
    ],
)
def test_a_request_that_contradicts_itself_names_the_parameters(request_, parameters):
    with pytest.raises(UsageError) as caught:
        request_.check()
    assert caught.value.parameters == parameters
    text = str(caught.value)
    assert "--" not in text and text.endswith(".") and "\n" not in text


@pytest.mark.parametrize(
    ("args", "flags"),
    [
        ((), ("--domain NAME", "--ref PICTURE")),
        (("--ref", "a.png", "--reference", "2"), ("--ref", "--reference")),
        (("--domain", "x", "--seed", "3"), ("--reference random", "--seed 3")),
        (("--domain", "x", "--size", "64", "--paste"), ("--size", "--paste")),
    ],
)
def test_the_user_is_told_the_flags(run, site, pipeline, args, flags):
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "a.png")
    code, _, err = run("avatar", "a.png", *args)
    assert code == 2
    for one in flags:
        assert one in err


def test_no_face_is_told_with_flags(run, monkeypatch):
    from types import SimpleNamespace

    from hasnet_cli import factory

    nothing = SimpleNamespace(detect=lambda rgb: [])
    monkeypatch.setattr(factory, "load_detector", lambda backend: nothing)
    image_io.write(np.zeros((40, 40, 3), np.uint8), "a.png")
    code, _, err = run("align", "a.png", "-o", "b.png")
    assert code == 4 and "--face aligned" in err and "--face x,y,w,h" in err


def test_a_nearest_domain_is_told_with_the_flag_that_chooses(run, site, pipeline):
    site.install("pencil")
    image_io.write(np.full((20, 24, 3), 200, np.uint8), "a.png")
    assert "(--domain NAME chooses)" in run("avatar", "a.png", "--ref", "a.png").err


def test_click_options_read_a_face_once(run, site, pipeline):
    from hasnet_cli.picture_options import FaceType

    choice = FaceType().convert("like:a.png", None, None)
    assert FaceType().convert(choice, None, None) is choice
    with pytest.raises(click.BadParameter, match="A face is auto, aligned or x,y,w,h"):
        FaceType(("auto", "aligned", "x,y,w,h")).convert("all", None, None)
