"""Progress in its four ways, completion of the shell, pipes that break."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hasnet_cli.console import Terminal

ROOT = Path(__file__).parents[1]


def shown(capsys, mode: str, verbosity: int = 0) -> str:
    terminal = Terminal()
    terminal.progress_mode, terminal.verbosity = mode, verbosity
    with terminal.progress(3) as advance:
        advance()
        terminal.say("word [red]")
        advance(2)
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_progress_as_json_lines(capsys):
    first, message, last = map(json.loads, shown(capsys, "jsonl").splitlines())
    assert first == {"schema": 1, "event": "progress", "done": 1, "total": 3}
    assert message == {"schema": 1, "event": "message", "text": "word [red]"}
    assert last["done"] == 3


@pytest.mark.parametrize("mode", ["auto", "none"])
def test_no_bar_in_a_pipe(capsys, mode):
    assert shown(capsys, mode) == "word [red]\n"


def test_a_bar_on_request(capsys):
    err = shown(capsys, "rich")
    assert "word [red]" in err and "3/3" in err


def complete(words: str, position: int, shell: str = "bash", **more: str) -> list[str]:
    environment = {"_HASNET_COMPLETE": f"{shell}_complete", "COMP_WORDS": words}
    environment |= {"COMP_CWORD": str(position), "PYTHONPATH": str(ROOT)} | more
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from hasnet_cli.main import main; sys.exit(main())"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.fixture
def pencils(site):
    site.install("pencil")
    site.install("pen")
    return os.pathsep.join([str(ROOT), str(site.folder)])


def test_domains_references_and_commands_are_completed(pencils):
    assert "avatar" in complete("hasnet a", 1)
    words = "hasnet avatar x.png --domain pen"
    assert {"pen", "pencil"} <= set(complete(words, 4, PYTHONPATH=pencils))
    words = "hasnet avatar x.png --domain pencil --reference pencil-"
    found = complete(words, 6, PYTHONPATH=pencils)
    assert found == ["pencil-01", "pencil-02", "pencil-03"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(run, shell):
    code, out, _ = run("completion", shell)
    assert code == 0 and "_HASNET_COMPLETE" in out and f"{shell}_complete" in out


def test_bash_takes_the_script(run, tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash").out)
    subprocess.run(["bash", "-n", script], check=True)


def test_a_wrong_shell_is_2(run):
    assert run("completion", "powershell").code == 2


@pytest.mark.parametrize("args", [["palette", "PICTURE"], ["models"], ["--help"]])
def test_a_reader_that_goes_away_is_no_news(args, tmp_path):
    picture = ROOT / "examples" / "astronaut.png"
    words = [str(picture) if word == "PICTURE" else word for word in args]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "hasnet_cli.main", *words],
        cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 1 and done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", [["palette", "--json"], ["completion", "bash"], ["models"]])
def test_a_full_disk_is_one_sentence(args):
    words = [*args, "examples/astronaut.png"] if args[0] == "palette" else args
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hasnet_cli.main", *words],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "Standard output cannot be written" in done.stderr
