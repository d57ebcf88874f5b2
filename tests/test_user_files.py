"""Files and folders as users have them: closed, linked, named twice, too long, of another run."""

from __future__ import annotations

import builtins
import errno
import fcntl
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import picture

from hasnet_cli import settings
from hasnet_models import image_io, locking
from hasnet_models.avatar.provenance import KEYS
from hasnet_models.batch import Plan, checked_items, locked, read_results
from hasnet_models.errors import UsageError
from hasnet_models.filenames import fitting, identity_of, numbered
from hasnet_models.weights import files

posix = pytest.mark.skipif(os.name != "posix", reason="needs links and streams of POSIX")


@pytest.fixture
def here(run, site, pipeline):
    """`hasnet` in a folder with a photo of two faces, and one domain."""
    site.install("pencil")
    picture("me.png", 128)
    return run


@pytest.fixture
def batch(here):
    """Run a batch of a folder into `out`."""
    return lambda folder, *more: here("batch", folder, "--domain", "pencil", "-o", "out", *more)


@pytest.fixture
def close(monkeypatch):
    """Make a folder one that this user may not enter, whoever runs the tests."""

    def call(folder: Path) -> None:
        denied = str(folder.absolute())

        def guarded(function):
            def wrapper(path, *args, **kwargs):
                name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
                if str(Path(name).absolute() if name else "").startswith(denied):
                    raise PermissionError(errno.EACCES, "Permission denied", name)
                return function(path, *args, **kwargs)

            return wrapper

        for module, name in ((os, "stat"), (os, "scandir"), (builtins, "open"), (os, "access")):
            monkeypatch.setattr(module, name, guarded(getattr(module, name)))

    return call


# ------------------------------------------------------------------------------ inputs stay


@pytest.mark.parametrize("name", ["like.png", "./like.png", "hard.png", "soft.png"])
@pytest.mark.parametrize("option", ["-o", "--steps-out"])
@posix
def test_what_is_read_is_not_written_over_under_any_name(here, option, name):
    before = picture("like.png", 90).read_bytes()
    os.link("like.png", "hard.png")
    Path("soft.png").symlink_to("like.png")
    result = here("avatar", "me.png", "--domain", "pencil", "--face", "like:like.png", option, name)
    assert result.code == 2 and "is an input" in result.err
    assert Path("like.png").read_bytes() == before


@posix
def test_a_photo_on_standard_input_is_an_input_too(here, monkeypatch):
    before = Path("me.png").read_bytes()
    with Path("me.png").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        result = here("avatar", "-", "--domain", "pencil", "-o", "me.png")
    assert result.code == 2 and Path("me.png").read_bytes() == before


def test_a_batch_does_not_write_over_what_its_request_reads(batch):
    picture("in/a.png")
    assert batch("in").code == 0
    before = Path("out/a.png").read_bytes()
    result = batch("in", "--palette", "out/a.png", "--overwrite")
    assert result.code == 2 and "which is read as out/a.png" in result.err
    assert Path("out/a.png").read_bytes() == before


def test_identity_is_of_files_alone(tmp_path):
    assert identity_of(tmp_path) is None and identity_of(tmp_path / "nothing") is None


# ---------------------------------------------------------------- two folders, one output


def test_another_folder_s_avatars_stay(batch):
    picture("a/x.png", 200), picture("b/x.png", 220), picture("a/only.png", 210)
    assert batch("a").code == 0
    before = Path("out/x.png").read_bytes()
    result = batch("b")
    assert result.code == 2 and "avatars of other photos" in result.err and "x.png" in result.err
    assert Path("out/x.png").read_bytes() == before
    assert batch("b", "--overwrite").code == 0
    assert Path("out/x.png").read_bytes() != before


def test_folders_without_a_common_name_are_both_kept(batch):
    picture("a/x.png"), picture("b/y.png")
    assert batch("a").code == 0 and batch("b").code == 0
    assert set(read_results(Path("out/results.jsonl"))) == {"x.png", "y.png"}
    assert "1 of them by an earlier run" in batch("a").err


def test_a_folder_that_has_moved_is_the_same(batch):
    picture("a/x.png")
    assert batch("a").code == 0
    Path("a").rename("moved")
    assert "1 of them by an earlier run" in batch("moved").err


def test_every_collision_is_named(batch):
    for name in ("x.png", "x.jpg", "y.png", "y.webp"):
        picture(f"in/{name}")
    err = batch("in").err
    assert "x.jpg and x.png" in err and "y.png and y.webp" in err


# ----------------------------------------------------------------------------- what is passed over


def test_avatars_are_no_photos_unless_they_are_wanted(batch):
    picture("in/a.png")
    assert batch("in").code == 0
    Path("in/earlier").mkdir()
    Path("out/a.png").rename("in/earlier/a.png")
    result = batch("in")
    assert "made are passed over: 1 (--include-avatars)" in result.err
    assert "1 of 1 photos" in result.err
    assert "2 of 2 photos" in batch("in", "--include-avatars").err


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPE"])
def test_rare_suffixes_of_photos_are_read(batch, suffix):
    picture("in/a.jpg").rename(f"in/a{suffix}")
    assert "1 of 1 photos" in batch("in").err


def test_files_that_are_not_read_are_said(batch):
    picture("in/a.jpg")
    for name in ("1.cr2", "2.cr2", "x.psd"):
        Path("in", name).write_bytes(b"")
    result = batch("in")
    assert result.code == 0 and "2 .cr2, 1 .psd" in result.err


@posix
def test_linked_albums_are_entered_once(batch):
    picture("album/a.png"), picture("in/real/b.png")
    Path("in/album").symlink_to(Path("album").absolute(), target_is_directory=True)
    Path("in/again").symlink_to(Path("in/real").absolute(), target_is_directory=True)
    Path("in/round").symlink_to(Path("in").absolute(), target_is_directory=True)
    assert batch("in").code == 0
    assert sorted(read_results(Path("out/results.jsonl"))) == ["album/a.png", "real/b.png"]


def test_a_closed_folder_is_a_failure_among_others(batch, close):
    picture("in/a.png"), picture("in/closed/b.png")
    close(Path("in/closed"))
    result = batch("in")
    assert result.code == 3 and "closed: The folder cannot be read" in result.err
    found = read_results(Path("out/results.jsonl"))
    assert found["a.png"].status == "done" and found["closed"].status == "failed"


# ------------------------------------------------------------------------------------ closed places


@pytest.mark.parametrize("words", [("avatar", "--help"), ("domains",), ("avatar", "me.png")])
def test_a_closed_home_ends_no_command(here, close, words):
    close(settings.user_file().parents[1])
    more = ("--domain", "pencil", "-o", "a.png") if words[-1] == "me.png" else ()
    assert here(*words, *more).code == 0


def test_a_closed_current_folder_ends_no_help(here, close, monkeypatch):
    close(Path("hasnet.toml"))
    assert here("avatar", "--help").code == 0


def test_a_closed_output_folder_is_one_sentence(here, close):
    Path("closed").mkdir()
    close(Path("closed"))
    result = here("avatar", "me.png", "--domain", "pencil", "-o", "closed/a.png")
    assert result.code in (1, 2) and "internal error" not in result.err
    assert len(result.err.strip().splitlines()) <= 2


def test_a_closed_folder_of_weights_is_one_sentence(close, tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    monkeypatch.setenv(files.OVERRIDE_VARIABLE, str(tmp_path / "closed"))
    close(tmp_path / "closed")
    with pytest.raises(Exception, match="which is no folder"):
        files.weight_path("rt_net.safetensors")


def test_doctor_looks_at_what_it_can(here, close):
    close(files.user_folder())
    assert "cannot be used" in here("doctor").out or here("doctor").code == 0


# ----------------------------------------------------------------------------------- names, streams


def test_names_that_are_too_long_are_cut_and_stay_two():
    first, second = (fitting("ä" * 200 + end, "-pencil.png") for end in "ab")
    assert first != second
    for name in (first, second):
        assert len(os.fsencode(name)) <= 255 and name.endswith("-pencil.png")
    assert fitting("short", ".png") == "short.png"
    assert len(os.fsencode(numbered(Path("x" * 251 + ".png"), 12).name)) <= 255


def test_a_photo_with_the_longest_name(here, batch):
    name = "x" * 247 + ".png"
    picture(name)
    assert here("avatar", name, "--domain", "pencil").code == 0
    Path("in").mkdir()
    Path(name).rename(Path("in", name))
    assert batch("in", "--face", "all").code == 0


@posix
@pytest.mark.parametrize("streams", [">&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams(tmp_path, streams):
    command = [sys.executable, "-m", "hasnet_cli", "palette", str(picture(tmp_path / "p.png"))]
    line = f"{shlex.join(command)} {streams} 2>{tmp_path / 'err'}"
    line = line if "2>&-" not in streams else f"{shlex.join(command)} {streams}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, check=False, capture_output=True)
    assert done.returncode == 0
    assert not (tmp_path / "err").exists() or "rror" not in (tmp_path / "err").read_text()


@posix
def test_a_picture_for_a_closed_stream_is_refused(tmp_path):
    command = [sys.executable, "-m", "hasnet_cli", "align", str(picture(tmp_path / "p.png"))]
    line = shlex.join([*command, "--face", "aligned", "-o", "-"]) + " >&-"
    done = subprocess.run(["bash", "-c", line], check=False, capture_output=True, text=True)
    assert done.returncode == 2 and "Standard output is closed" in done.stderr


# -------------------------------------------------------------------------------------------- locks


def test_no_locks_is_a_note(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    notes = []
    with locked(tmp_path / "out", say=notes.append):
        assert (tmp_path / "out").is_dir()
    assert len(notes) == 1 and "no locks" in notes[0]


def test_a_held_folder_is_refused_before_anything_is_loaded(batch, pipeline, monkeypatch):
    picture("in/a.png")
    monkeypatch.setattr("hasnet_cli.start.start_job", lambda *_: pytest.fail("was loaded"))
    with locked(Path("out")):
        result = batch("in")
    assert result.code == 2 and "Another run is writing" in result.err


def test_a_lock_is_refused_by_name_of_its_owner(tmp_path):
    with (
        locking.held(tmp_path / "lock"),
        pytest.raises(UsageError, match=f"process {os.getpid()}"),
        locking.held(tmp_path / "lock"),
    ):
        pass


# ----------------------------------------------------------------------------------------- settings


def test_a_settings_file_with_a_mark_of_its_encoding(here):
    Path("hasnet.toml").write_bytes(b'\xef\xbb\xbfdomain = "pencil"\n')
    assert here("avatar", "me.png", "-o", "a.png").code == 0


@pytest.mark.parametrize(
    "text, key", [("quality = 500", "quality"), ('progress = "loud"', "progress")]
)
def test_a_bad_value_is_blamed_on_its_file(here, text, key):
    Path("hasnet.toml").write_text(text)
    command = ("batch", ".", "-o", "out") if key == "progress" else ("avatar", "me.png")
    result = here(*command, "--domain", "pencil")
    assert result.code == 2 and f"'{key}' in hasnet.toml" in result.err
    assert "HASNET_" not in result.err


def test_a_flag_is_not_blamed_on_the_file(here):
    Path("hasnet.toml").write_text("quality = 90")
    err = here("avatar", "me.png", "--domain", "pencil", "--quality", "500").err
    assert "--quality" in err and "hasnet.toml" not in err


def test_what_the_library_says_of_a_variable_names_the_file(here):
    Path("hasnet.toml").write_text("max_pixels = 0")
    result = here("avatar", "me.png", "--domain", "pencil")
    assert result.code == 2 and "'max_pixels' in hasnet.toml" in result.err


def test_help_does_not_need_sound_settings(here):
    Path("hasnet.toml").write_text("nonsense = [")
    assert here("avatar", "--help").code == 0 and here("avatar", "me.png").code == 2


# ------------------------------------------------------------------------------------------ records


def forged(name: str, **texts: str) -> str:
    image_io.write(np.zeros((9, 9, 3), np.uint8), name, metadata={"version": "1", **texts})
    return name


def test_a_forged_record_adds_no_lines_and_no_options(run):
    options = json.dumps({"output": "/etc/passwd", "paste": True, "say": "x"})
    name = forged("f.png", input="a\nb\x1b[31m.png", options=options, evil="line\nline")
    result = run("explain", name)
    assert result.code == 0 and "\x1b" not in result.out and "passwd" not in result.out.split(
        "command"
    )[1]
    assert "evil" not in result.out and "--paste" in result.out and "--say" not in result.out
    keys = {line.split()[0] for line in result.out.splitlines()}
    assert keys <= {*KEYS, "command"}


def test_a_photo_that_came_on_standard_input_is_asked_for_there(run):
    command = json.loads(run("explain", forged("f.png", input="<stdin>"), "--json").out)["command"]
    assert shlex.split(command)[:3] == ["hasnet", "avatar", "-"]


def test_every_face_s_reference_is_recorded_and_asked_for_again(here, pipeline):
    photo = np.zeros((20, 24, 3), np.uint8)
    photo[:] = 200
    image_io.write(photo, "two.png")
    words = ("--domain", "pencil", "--face", "all", "--paste", "--reference", "random")
    for seed in range(20):  # until chance gives the two faces two references
        here("avatar", "two.png", *words, "--seed", seed, "-o", "a.png")
        document = json.loads(here("explain", "a.png", "--json").out)
        if "references" in document["record"]:
            break
    assert len(set(document["record"]["references"])) == 2
    again = shlex.split(document["command"])
    assert again[again.index("--reference") + 1] == "random" and str(seed) in again


def test_a_domain_of_two_packages_is_asked_for_with_its_own(here, site):
    name = "hasnet-domain-pencil/pencil"
    if here("avatar", "me.png", "--domain", name, "-o", "a.png").code != 0:
        name = json.loads(here("domains", "--json").out)["domains"][0]["distribution"] + "/pencil"
        assert here("avatar", "me.png", "--domain", name, "-o", "a.png").code == 0
    assert name in shlex.split(json.loads(here("explain", "a.png", "--json").out)["command"])


def test_items_of_a_plan_name_their_folder(tmp_path):
    picture(tmp_path / "in/a.png")
    items = checked_items(Plan(tmp_path / "in", tmp_path / "out"))
    assert [item.folder for item in items] == [str((tmp_path / "in").resolve())]
