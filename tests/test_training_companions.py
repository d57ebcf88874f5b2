"""Other processes of a training that the first one starts."""

import os
import subprocess
import sys
import time

import pytest

from hasnet_models.config.load import load_preset
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.training import companions

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_each_process_has_its_part_of_the_batch():
    preset = load_preset("lite", ["tt_train.batch=12"])
    assert companions.share_of(preset, "tt", 3).tt_train.batch == 4
    assert companions.share_of(preset, "tt", 1) == preset
    with pytest.raises(UsageError, match="A batch of 12 cannot be shared by 5 processes"):
        companions.share_of(preset, "tt", 5)


def test_one_process_starts_no_other(monkeypatch):
    monkeypatch.setattr(companions.subprocess, "Popen", None)
    with companions.joined(1, SLEEP):
        assert "WORLD_SIZE" not in os.environ


def test_the_others_know_their_place_and_the_environment_is_as_before(tmp_path):
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT")
    tell = f"import os, pathlib; e = os.environ; pathlib.Path(r'{tmp_path}', e['RANK'])"
    tell += f".write_text(' '.join(e[n] for n in {names}))"
    before = dict(os.environ)
    with companions.joined(3, [sys.executable, "-c", tell]):
        port = os.environ["MASTER_PORT"]
        assert [os.environ[n] for n in names] == ["0", "0", "3", port]
    assert dict(os.environ) == before
    told = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert told == {n: f"{n} {n} 3 {port}" for n in ("1", "2")}


def test_what_another_process_died_of_is_said():
    die = [sys.executable, "-c", "import sys; sys.exit('no memory is left')"]
    with (
        pytest.raises(HasnetError, match="Process 2 of the training ended with 1: no memory is"),
        companions.joined(2, die),
    ):
        raise RuntimeError("connection closed by peer")


@pytest.mark.parametrize("error", [UsageError("no faces"), KeyboardInterrupt()])
def test_the_others_end_with_the_first_one(error, monkeypatch):
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(companions.subprocess, "Popen", Noted)
    begun = time.monotonic()
    with pytest.raises(type(error)), companions.joined(3, SLEEP):
        raise error
    assert [p.poll() is not None for p in started] == [True, True]
    assert time.monotonic() - begun < 60


def test_an_error_of_its_own_stays_what_it_is(monkeypatch):
    monkeypatch.setattr(companions, "_GRACE", 0.1)
    with pytest.raises(RuntimeError, match="out of memory"), companions.joined(2, SLEEP):
        raise RuntimeError("out of memory")


def test_another_number_than_torchrun_started_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with companions.joined(4, SLEEP), companions.joined(1, SLEEP):
        pass
    with (
        pytest.raises(UsageError, match="4 processes have been started, not 2"),
        companions.joined(2, SLEEP),
    ):
        pass
