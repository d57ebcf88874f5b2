"""Hooks, the kept manager, and what plugins may do without costing anybody else anything."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from fakes import picture

from hasnet_cli.builtin import COMMANDS
from hasnet_models import image_io
from hasnet_models.errors import EXIT_DOMAIN, PluginError, UsageError, WeightsError
from hasnet_models.medium import KINDS
from hasnet_models.plugins import (
    Check,
    CommandSpec,
    DetectorSpec,
    builtin,
    discover,
    entry_points,
    forget,
    hooks,
    kept_manager,
)
from hasnet_models.plugins.detectors import load_detector
from hasnet_models.plugins.manager import HOOKS, Manager

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
START = "from hasnet_models.plugins import *\nfrom hasnet_models.plugins import hookimpl\n"


def documented(name: str) -> str:
    """The plugin in docs/plugins.md that implements a hook."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    (found,) = [block for block in blocks if f"def {name}(" in block]
    return found


def example(name: str) -> str:
    """The plugin in the docstring of a hook."""
    return textwrap.dedent(inspect.getdoc(HOOKS[name]).split("::\n", 1)[1])


def hook(name: str, body: str) -> str:
    """A plugin with one hook."""
    return f"{START}@hookimpl\ndef {name}():\n{textwrap.indent(body, '    ')}\n"


# ------------------------------------------------------------------------------------- every hook


def test_the_hooks_are_those_of_the_module():
    assert {"hasnet_domains", "hasnet_detectors", "hasnet_commands", "hasnet_checks"} <= set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_in_the_document_and_has_a_test(name):
    assert re.search(rf"^\| `{name}` \|", DOCUMENT, re.MULTILINE)
    assert f"test_{name}" in globals()


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("source", [documented, example])
def test_every_example_is_a_whole_plugin(site, name, source):
    site.install("shown", source(name))
    manager = Manager({})
    records = [record for who, record in manager.each(HOOKS[name]) if not who.own]
    assert len(records) == 1
    state = manager.state()
    assert state.failures == () and state.warnings == ()


def test_hasnet_domains(site):
    site.install("pencil", documented("hasnet_domains"))
    (domain,) = discover({}).domains
    assert domain.name == "pencil" and len(domain.references) == 3


def test_hasnet_detectors(run, site):
    site.install("whole", documented("hasnet_detectors"))
    image_io.write(np.full((600, 400, 3), 90, np.uint8), "face.png")
    result = run("align", "face.png", "-o", "out.png", "--backend", "whole-picture", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["face"]["box"] == [0, 0, 400, 600]
    assert image_io.read("out.png").rgb.shape == (512, 512, 3)


def test_hasnet_media(run, site, pipeline):
    package = site.install("print", documented("hasnet_media") + documented("hasnet_domains"))
    manifest = package / "domain.toml"
    picture("face.png")
    plain = run("avatar", "face.png", "--domain", "print", "--size", "64", "-o", "plain.png")
    assert plain.code == 0, plain.err
    text = manifest.read_text()
    manifest.write_text(text + '\n[medium]\nkind = "halftone"\npitch = 9\n')
    given = ("avatar", "face.png", "--domain", "print", "--size", "64", "-o")
    for name, more in {"own": (), "finer": ("--medium-kind", "ink")}.items():
        made = run(*given, f"{name}.png", *more)
        assert made.code == 0, made.err
    one, two, three = (image_io.read(f"{name}.png").rgb for name in ("plain", "own", "finer"))
    assert (one != two).any() and (two != three).any()
    assert json.loads(image_io.read_metadata("own.png")["medium"]) == {
        "kind": "halftone", "pitch": 9, "ink": 0.4, "strength": 1.0,
    }  # fmt: skip
    assert "halftone" in run("avatar", "face.png", "--domain", "print", "--medium-kind", "x").err
    manifest.write_text(text + '\n[medium]\nkind = "halftone"\npitch = 99\n')
    code, _, err = run("avatar", "face.png", "--domain", "print")
    assert code == EXIT_DOMAIN and "from 2 to 20, not 99" in err


def test_hasnet_commands(run, site):
    site.install("greet", documented("hasnet_commands"))
    assert run("greet", "Ada") == (0, "Hello Ada.\n", "")
    shown = run("--help").out
    own, others = shown.split("Commands of plugins:")
    assert "greet" in others and "Greet somebody." in others and "  avatar " in own
    assert "Usage: hasnet greet" in run("greet", "--help").out


def test_hasnet_checks(run, site):
    site.install("tools", documented("hasnet_checks"))
    document = json.loads(run("doctor", "--json").out)
    (row,) = [row for row in document["checks"] if row["section"] == "tools"]
    assert row["name"] == "exiftool" and row["status"] in ("ok", "note")
    assert document["checks"][-1] == row
    (plugin,) = [c for c in document["checks"] if c["name"] == "hasnet-domain-tools 1.0"]
    assert plugin["status"] == "ok" and plugin["detail"] == "1 of hasnet_checks"


def test_our_own_parts_come_through_the_hooks():
    manager = kept_manager()
    media = [s.name for who, s in manager.each(hooks.hasnet_media) if who.own]
    assert media == list(KINDS)
    own = [s.name for who, s in manager.each(hooks.hasnet_detectors) if who.own]
    assert own == [builtin.EMBEDDED, builtin.INSIGHTFACE]
    assert {s.name for who, s in _with_cli().each(hooks.hasnet_commands) if who.own} == {*COMMANDS}
    sections = {check.section for who, check in _with_cli().each(hooks.hasnet_checks) if who.own}
    assert {"versions", "weights", "folders"} <= sections


def _with_cli() -> Manager:
    from hasnet_cli import factory

    return factory.find_plugins()


# ----------------------------------------------------------------------------- isolation: loading


class Odd(BaseException):
    def __str__(self) -> str:
        raise ValueError("no text either")


BASE_EXCEPTIONS = {
    "CancelledError": "import asyncio\nraise asyncio.CancelledError('x')",
    "SystemExit": "raise SystemExit(0)",
    "GeneratorExit": "raise GeneratorExit",
    "StopIteration": "raise StopIteration",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "Odd": "from test_plugins import Odd\nraise Odd",
}


@pytest.mark.parametrize("kind", BASE_EXCEPTIONS)
@pytest.mark.parametrize("where", ["import", "hook", "load"])
def test_whatever_a_plugin_raises_is_its_own_fault(run, site, kind, where):
    raising = BASE_EXCEPTIONS[kind]
    code = {
        "import": raising,
        "hook": hook("hasnet_commands", raising),
        "load": START
        + f"def load():\n{textwrap.indent(raising, '    ')}\n"
        + hook("hasnet_commands", "yield CommandSpec('bad', 'Bad.', load)"),
    }[where]
    site.install("bad", code)
    site.install("greet", documented("hasnet_commands"))
    shown = run("--help")
    assert shown.code == 0 and "greet" in shown.out
    assert ("bad" in shown.out) == (where == "load")
    assert where == "load" or f"hasnet-domain-bad 1.0 is broken ({_stage(where)}): {kind}" in (
        shown.err
    )
    code, out, err = run("bad")
    assert (code, out) == ({"load": EXIT_DOMAIN}.get(where, 2), "")
    assert kind in err and "hasnet-domain-bad 1.0" in err and "Traceback" not in err
    assert run("greet", "Ada").out == "Hello Ada.\n"


def _stage(where: str) -> str:
    return "import" if where == "import" else "commands"


PRESSED = "import os, signal, time\n{}    os.kill(os.getpid(), signal.SIGINT); time.sleep(1)\n{}"


@pytest.mark.parametrize(
    "code",
    [
        PRESSED.format("if True:\n", ""),
        PRESSED.format("try:\n", "except BaseException: pass\n"),
        PRESSED.format("try:\n", "except BaseException as e: raise ImportError('no') from e\n"),
    ],
    ids=["raised", "swallowed", "turned into another error"],
)
def test_ctrl_c_of_the_user_ends_the_search(run, site, code):
    site.install("slow", code)
    site.install("good")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        discover({})
    assert signal.getsignal(signal.SIGINT) is before
    sys.modules.pop("fake_domain_slow", None)
    code, out, err = run("domains")
    assert code == 130 and out == "" and "Interrupted" in err


def test_after_ctrl_c_the_next_search_is_whole(site, monkeypatch):
    site.install("aaa")
    site.install("slow", "import fake_switch")
    switch = site.folder / "fake_switch.py"
    switch.write_text(PRESSED.format("if True:\n", ""))
    with pytest.raises(KeyboardInterrupt):
        discover()
    site.install("zzz")
    switch.write_text("")
    registry = discover()
    assert [domain.name for domain in registry.domains] == ["aaa", "zzz"]
    sys.modules.pop("fake_switch", None)


def test_a_handler_of_the_program_that_ignores_ctrl_c_is_asked(site):
    site.install("slow", PRESSED.format("if True:\n", "").replace("sleep(1)", "sleep(0.01)"))
    site.install("good")
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        assert [domain.name for domain in discover({}).domains] == ["good"]
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [1]


def test_a_plugin_may_set_a_handler_of_its_own(site):
    before = signal.getsignal(signal.SIGINT)
    site.install("own", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)")
    try:
        discover({})
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_works_beside_the_main_thread(site):
    site.install("bad", "raise KeyboardInterrupt")
    site.install("good")
    found = []
    threads = [threading.Thread(target=lambda: found.append(discover())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for registry in found:
        assert [domain.name for domain in registry.domains] == ["good"]
        assert [failure.plugin for failure in registry.failures] == ["bad"]


# ------------------------------------------------------------------------- isolation: what is odd


def test_a_plugin_implements_what_it_likes(site):
    site.install("both", documented("hasnet_commands") + documented("hasnet_domains"))
    manager = Manager({})
    assert [d.name for d in manager.registry().domains] == ["both"]
    assert list(manager.by_name(hooks.hasnet_commands)) == ["greet"]
    assert manager.state().failures == ()


def test_a_hook_that_fails_leaves_the_others(site):
    site.install("both", hook("hasnet_commands", "1 / 0") + documented("hasnet_domains"))
    manager = Manager({})
    assert list(manager.each(hooks.hasnet_commands)) == []
    registry = manager.registry()
    assert [d.name for d in registry.domains] == ["both"]
    (failure,) = registry.failures
    assert (failure.stage, failure.distribution) == ("commands", "hasnet-domain-both")
    assert "ZeroDivisionError" in failure.error and "Traceback" in failure.details
    assert list(manager.each(hooks.hasnet_commands)) == [] and len(manager.state().failures) == 1


def test_an_unknown_hook_is_a_warning_that_names_it(run, site):
    site.install("soon", hook("hasnet_domain", "return []"))
    site.install("both", hook("hasnet_medium", "return []") + documented("hasnet_domains"))
    registry = discover({})
    assert registry.failures == () and [d.name for d in registry.domains] == ["both"]
    both, soon = registry.warnings
    assert "hasnet-domain-soon 1.0" in soon and "Did you mean 'hasnet_domains'?" in soon
    assert "hasnet-domain-both 1.0" in both and "'hasnet_medium'" in both
    code, out, err = run("domains")
    assert code == 0 and "both" in out and soon in err and both in err
    assert soon in run("doctor").out


def test_a_hook_without_its_mark_is_a_warning(site):
    code = documented("hasnet_domains").replace("@hookimpl\n", "")
    site.install("bare", code + documented("hasnet_commands"))
    (warning,) = discover({}).warnings
    assert "'hasnet_domains' is not marked @hookimpl" in warning


WRONG_RECORDS = {
    "hasnet_detectors": ["DetectorSpec('Bad Name', print)", "DetectorSpec('x', 3)"],
    "hasnet_media": ["MediumSpec('Bad Name', print)", "MediumSpec('none', print)", "print"],
    "hasnet_commands": ["CommandSpec('x', 'a\\nb', print)", "CommandSpec(7, 'x', print)", "None"],
    "hasnet_checks": [
        "Check('s', 'n', 'fine', 'd')",
        "Check('s', 'n', 'failed', 'd', 0)",
        "Check('s', 'n', 'ok', 3)",
        "object()",
    ],
}


@pytest.mark.parametrize(
    ("name", "record"), [(n, record) for n, given in WRONG_RECORDS.items() for record in given]
)
def test_wrong_records_are_a_failure_of_the_plugin(site, name, record):
    site.install("bad", hook(name, f"yield {record}"))
    manager = Manager({})
    assert not [record for who, record in manager.each(HOOKS[name]) if not who.own]
    (failure,) = manager.state().failures
    assert failure.stage == name.removeprefix("hasnet_")


def test_the_records_say_what_is_wrong():
    for wrong in (
        lambda: DetectorSpec("", print),
        lambda: CommandSpec("a b", "", print),
        lambda: Check("s", "n", "OK", "d"),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_what_a_plugin_prints_stays_off_standard_output(run, site):
    loud = "print('LOUD')\n"
    body = "print('LOUD')\nyield CommandSpec('greet', 'Greet.', load)"
    code = documented("hasnet_commands").replace(
        "def load():\n", "def load():\n    print('LOUD')\n"
    )
    site.install("loud", loud + code.split("@hookimpl")[0] + hook("hasnet_commands", body))
    site.install("checks", hook("hasnet_checks", "print('LOUD')\nreturn []"))
    code, out, err = run("greet", "Ada")
    assert (code, out) == (0, "Hello Ada.\n") and err.count("LOUD") == 3
    assert "LOUD" not in run("--help").out
    assert json.loads(run("doctor", "--json").out)["schema"] == 1


# --------------------------------------------------------------------------------- entry points


def write_entry_points(site, name: str, content: bytes | str, metadata: bool = True) -> None:
    info = site.folder / f"{name}-3.0.dist-info"
    info.mkdir()
    if metadata:
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 3.0\n")
    content = content.encode() if isinstance(content, str) else content
    (info / "entry_points.txt").write_bytes(content)


@pytest.mark.parametrize("content", ["[console_scripts]\nno equals sign\n", b"[x]\n\xff = \xfe\n"])
@pytest.mark.parametrize("metadata", [True, False])
def test_a_malformed_file_of_another_package_hides_nothing(run, site, content, metadata):
    write_entry_points(site, "stranger", content, metadata)
    site.install("good")
    registry = discover({})
    assert [domain.name for domain in registry.domains] == ["good"]
    assert registry.failures == ()
    (warning,) = registry.warnings
    assert ("stranger 3.0" if metadata else str(site.folder)) in warning
    assert warning in run("domains").err
    assert run("--help").code == 0


def test_a_malformed_file_of_a_plugin_is_its_failure(run, site):
    write_entry_points(site, "bent", "[hasnet]\nbent = fake_domain_bent\nno equals sign\n")
    site.install("good")
    registry = discover({})
    assert [domain.name for domain in registry.domains] == ["good"]
    (failure,) = registry.failures
    assert (failure.distribution, failure.stage) == ("bent", "find")
    assert "bent" in run("domains").out


@pytest.mark.parametrize("value", ["", "not a module!", "fake_domain_good:nothing", "no.such"])
def test_an_entry_point_that_leads_nowhere_is_its_failure(site, value):
    write_entry_points(site, "astray", f"[hasnet]\nastray = {value}\n")
    site.install("good")
    registry = discover({})
    assert [domain.name for domain in registry.domains] == ["good"]
    assert [failure.plugin for failure in registry.failures] == ["astray"]


def test_of_a_distribution_that_lies_twice_on_the_path_the_first_counts(site, monkeypatch):
    site.install("good")
    twice = [str(site.folder)] * 2
    monkeypatch.setattr(
        entry_points, "distributions", lambda: importlib.metadata.distributions(path=twice)
    )
    registry = discover({})
    assert len(registry.domains) == 1 and registry.failures == ()


# ------------------------------------------------------------------------------ one kept manager


def test_plugins_are_asked_once_a_process(site, monkeypatch):
    asked = site.folder / "asked"
    body = f"open({str(asked)!r}, 'a').write('x')\nreturn []"
    site.install("quiet", hook("hasnet_domains", body))
    site.install("late")
    monkeypatch.delenv("HASNET_DISABLE_PLUGINS", raising=False)
    first = kept_manager()
    assert kept_manager() is first
    assert discover().domains[0] is discover().domains[0]
    assert asked.read_text() == "x"
    monkeypatch.setenv("HASNET_DISABLE_PLUGINS", "late")
    assert kept_manager() is not first and discover().domains == ()
    monkeypatch.delenv("HASNET_DISABLE_PLUGINS")
    site.install("later")
    assert [domain.name for domain in discover().domains] == ["late", "later"]
    site.install("last")
    assert len(discover().domains) == 2
    forget()
    assert len(discover().domains) == 3


def touching(site, name: str) -> Path:
    """A plugin that leaves a file behind when it is imported."""
    trace = site.folder / f"{name}.imported"
    site.install(name, f"open({str(trace)!r}, 'w')\n" + documented("hasnet_domains"))
    return trace


def process(site, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`hasnet` in a process of its own, with the fake plugins installed."""
    cache = str(site.folder.parent / "cache")
    code = (
        f"import sys; sys.path.append({str(site.folder)!r})\n"
        f"from hasnet_cli.main import main; code = main({list(args)!r})\n"
        "heavy = {'torch', 'numpy', 'cv2', 'PIL', 'onnxruntime'} & set(sys.modules)\n"
        "print('heavy:', *heavy, file=sys.stderr); sys.exit(code)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": cache} | environment,
        timeout=60,
        check=False,
    )


def test_what_plugins_import_is_there_and_comes_when_it_is_named():
    code = (
        "import sys, hasnet_models.plugins as p; assert 'pluggy' not in sys.modules\n"
        "found = [getattr(p, name) for name in p.__all__]; assert 'pluggy' in sys.modules\n"
        "assert 'numpy' not in sys.modules; p.nothing\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip().endswith(
        "AttributeError: module 'hasnet_models.plugins' has no attribute 'nothing'"
    )


@pytest.mark.parametrize(
    "args", [("--version",), ("palette", "--help"), ("align", "--help"), ("completion", "bash")]
)
def test_what_is_our_own_imports_no_plugin(site, args):
    trace = touching(site, "pencil")
    done = process(site, *args)
    assert done.returncode == 0, done.stderr
    assert not trace.exists()


def test_help_lists_commands_of_plugins_without_what_they_need(site):
    heavy = "import torch, numpy\n    "
    code = documented("hasnet_commands").replace("import click", heavy + "import click", 1)
    site.install("greet", code)
    trace = touching(site, "pencil")
    done = process(site, "--help")
    assert done.returncode == 0 and "greet" in done.stdout
    assert done.stderr.strip() == "heavy:"
    assert trace.exists()


def test_help_and_completion_remember_what_plugins_said(site):
    site.install("greet", documented("hasnet_commands"))
    trace = touching(site, "pencil")
    first = process(site, "--help")
    assert trace.exists() and "greet" in first.stdout
    trace.unlink()
    assert process(site, "--help").stdout == first.stdout
    assert "greet" in complete(site, "hasnet gr")
    assert not trace.exists()
    site.install("late", documented("hasnet_commands").replace('"greet"', '"late"'))
    assert "  late " in process(site, "--help").stdout and trace.exists()


def test_domains_are_remembered_until_a_file_changes(site):
    def pencil(**environment: str) -> dict:
        shown = process(site, "domains", "--json", **environment)
        assert shown.returncode == 0, shown.stderr
        rows = {row["name"]: row for row in json.loads(shown.stdout)["domains"]}
        return rows.get("pencil", {})

    trace = touching(site, "pencil")
    first = pencil()
    assert first["title"] == "Pencil world" and trace.exists()
    trace.unlink()
    assert pencil() == first and not trace.exists()
    assert pencil(HASNET_PLUGINS="") == {}
    manifest = site.folder / "fake_domain_pencil" / "domain.toml"
    manifest.write_text(manifest.read_text().replace("Pencil world", "Chalk"))
    assert pencil()["title"] == "Chalk"
    references = manifest.with_name("references.safetensors")
    references.write_bytes(references.read_bytes()[:-1] + b"x")
    assert "damaged" in pencil()["error"]


def test_a_plugin_that_is_switched_off_is_not_asked_for_commands(run, site, monkeypatch):
    site.install("greet", documented("hasnet_commands"))
    Path("hasnet.toml").write_text('disable_plugins = ["greet"]\n')
    assert "greet" not in run("--help").out and run("greet", "Ada").code == 2
    monkeypatch.setenv("HASNET_DISABLE_PLUGINS", "")
    assert run("greet", "Ada").code == 0
    monkeypatch.setenv("HASNET_PLUGINS", "other")
    assert run("greet", "Ada").code == 2
    Path("hasnet.toml").write_text("nonsense = 1\n")
    assert run("--help").code == 0


# -------------------------------------------------------------------------------------- commands


def test_hidden_commands_are_named(run, site):
    command = documented("hasnet_commands")
    site.install("first", command)
    site.install("second", command.replace("Hello", "Bye"))
    site.install("third", command.replace('CommandSpec("greet"', 'CommandSpec("avatar"'))
    assert run("greet", "Ada").out == "Hello Ada.\n"
    assert "Usage: hasnet avatar [OPTIONS] PHOTO" in run("avatar", "--help").out
    err = run("--help").err
    assert "'greet' of hasnet-domain-second 1.0 is hidden by that of hasnet-domain-first" in err
    assert "'avatar' of hasnet-domain-third 1.0 is hidden by that of hasnet" in err


def test_a_misspelt_command_of_a_plugin_is_suggested(run, site):
    site.install("greet", documented("hasnet_commands"))
    code, _, err = run("gret")
    assert code == 2 and "Did you mean 'greet'?" in err


def test_something_that_is_no_command_is_6(run, site):
    site.install("bad", hook("hasnet_commands", "yield CommandSpec('bad', 'Bad.', dict)"))
    code, out, err = run("bad")
    assert (code, out) == (6, "") and "is no command: {}" in err and "hasnet doctor" in err


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("return 3", 3, ""),
        ("raise SystemExit(4)", None, ""),
        ("import asyncio; raise asyncio.CancelledError", 1, "internal error: CancelledError"),
        ("1 / 0", 1, "internal error: ZeroDivisionError"),
        (
            "from hasnet_models.errors import NoFaceError; raise NoFaceError('None.')",
            4,
            "hasnet: None.",
        ),
    ],
)
def test_how_a_command_of_a_plugin_ends(run, site, body, code, said):
    command = documented("hasnet_commands")
    site.install("greet", command.replace('terminal.result(f"Hello {name}.")', body))
    if code is None:
        with pytest.raises(SystemExit):
            run("greet", "Ada")
        return
    found = run("greet", "Ada")
    assert found.code == code and said in found.err and "Traceback" not in found.err


def test_completion_knows_commands_and_detectors_of_plugins(site):
    site.install("greet", documented("hasnet_commands"))
    site.install("whole", documented("hasnet_detectors"))
    found = complete(site, "hasnet gr")
    assert "greet" in found and "Greet somebody." in found
    assert "whole-picture" in complete(site, "hasnet align --backend who")


def complete(site, words: str) -> str:
    return process(
        site,
        _HASNET_COMPLETE="fish_complete",
        COMP_WORDS=words,
        COMP_CWORD=words.split()[-1],
    ).stdout


# ------------------------------------------------------------------------------------- detectors


def test_an_unknown_detector_lists_those_there_are(run, site):
    site.install("whole", documented("hasnet_detectors"))
    site.install("bent", "1 / 0")
    with pytest.raises(UsageError, match="embedded or insightface or whole-picture"):
        load_detector("dlib")
    picture(Path("a.png"))
    code, out, err = run("align", "a.png", "-o", "b.png", "--backend", "dlib")
    assert (code, out) == (2, "") and "embedded, insightface, whole-picture" in err
    assert "hasnet-domain-bent 1.0 is broken" in err


def test_a_detector_that_cannot_be_loaded_is_a_broken_plugin(site):
    given = {
        "missing": "def load(): raise WeightsError('No weights.')",
        "exits": "def load(): raise SystemExit",
        "empty": "def load(): return object()",
    }
    for name, load in given.items():
        code = f"from hasnet_models.errors import WeightsError\n{load}\n"
        site.install(name, code + hook("hasnet_detectors", f"yield DetectorSpec('{name}', load)"))
    with pytest.raises(WeightsError, match=r"No weights\."):
        load_detector("missing")
    with pytest.raises(PluginError, match=r"'exits' of plugin hasnet-domain-exits 1\.0.*Exit"):
        load_detector("exits")
    with pytest.raises(PluginError, match="is no face detector"):
        load_detector("empty")


def test_nobody_takes_the_place_of_our_own_detector(site):
    code = documented("hasnet_detectors").replace('"whole-picture"', '"embedded"')
    site.install("thief", code)
    assert type(load_detector()).__name__ == "CenterFace"
    manager = Manager({})
    manager.by_name(hooks.hasnet_detectors)
    (warning,) = manager.state().warnings
    assert "The detector 'embedded' of hasnet-domain-thief 1.0 is hidden" in warning
