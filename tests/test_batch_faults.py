"""What goes wrong during a batch: full disks, vanished files, interruptions, two runs at once."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hasnet_models import image_io
from hasnet_models.batch import Shard, locked, read_results
from hasnet_models.batch.engine import is_out_of_memory
from hasnet_models.errors import ImageError, UsageError
from hasnet_models.image_io import reading, writing

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import prove_batch
from fakes import picture

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and mounts of POSIX")


@pytest.fixture
def photos(tmp_path, site, pipeline):
    site.install("pencil")
    for i in range(6):
        picture(tmp_path / "photos" / f"{i}.png", 160 + i)
    return tmp_path / "photos"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def batch(run, photos, out):
    return lambda *more: run("batch", photos, "--domain", "pencil", "-o", out, *more)


# --------------------------------------------------------------------------- failures of one photo


def test_a_file_that_vanishes_is_that_files_failure(batch, photos, out, pipeline, monkeypatch):
    crops = pipeline.crops

    def vanishing(photo, *args):
        (photos / "5.png").unlink(missing_ok=True)
        return crops(photo, *args)

    monkeypatch.setattr(pipeline, "crops", vanishing)
    result = batch("--workers", "1")
    assert result.code == 3 and "5 of 6" in result.err and "Traceback" not in result.err
    assert "There is no file" in read_results(out / "results.jsonl")["5.png"].error


def test_a_photo_that_breaks_a_group_costs_only_itself(batch, pipeline, out, monkeypatch):
    whole = pipeline.render_many

    def fragile(faces, *args):
        if any(face.crop[0, 0, 0] == 163 for face in faces):
            raise RuntimeError("a fault")
        return whole(faces, *args)

    monkeypatch.setattr(pipeline, "render_many", fragile)
    result = batch("--batch", "4")
    assert result.code == 3 and "3.png: RuntimeError: a fault" in result.err
    assert len(list(out.glob("*.png"))) == 5


def test_on_error_stop_ends_the_run(batch, photos, out):
    picture(photos / "1.png", 0)
    result = batch("--on-error", "stop", "--workers", "1")
    assert result.code == 3
    states = {key: one.status for key, one in read_results(out / "results.jsonl").items()}
    assert states == {"0.png": "done", "1.png": "failed"}
    picture(photos / "1.png", 99)
    assert batch("--on-error", "stop").code == 0


def test_files_that_are_too_large_are_not_read(batch, photos, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    assert batch().code == 1


# ------------------------------------------------------------------------------------------ memory


@pytest.mark.parametrize(
    ("error", "room"), [(MemoryError(), 3), (RuntimeError("CUDA out of memory. Tried ..."), 1)]
)
def test_out_of_memory_halves_the_batch_and_says_so(batch, pipeline, monkeypatch, error, room):
    sizes = []
    whole = pipeline.render_many

    def small(faces, *args):
        sizes.append(len(faces))
        if len(faces) > room:
            raise error
        return whole(faces, *args)

    monkeypatch.setattr(pipeline, "render_many", small)
    result = batch("--batch", "6")
    assert result.code == 0
    assert "Out of memory: from now on 3 faces at once." in result.err
    assert sizes[0] == 6 and max(sizes[-2:]) <= room


def test_no_room_for_a_single_face_is_a_failure(batch, pipeline, monkeypatch):
    def none(*_):
        raise MemoryError

    monkeypatch.setattr(pipeline, "render_many", none)
    result = batch("--batch", "4")
    assert result.code == 1 and "MemoryError" in result.err


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("MPS backend out of memory", True), ("[enforce] DefaultCPUAllocator: can't allocate memory",
      True), ("shapes do not fit", False)],
)  # fmt: skip
def test_what_counts_as_out_of_memory(text, wanted):
    assert is_out_of_memory(RuntimeError(text)) is wanted


def test_only_a_few_photos_are_in_memory_at_once(batch, photos, pipeline, monkeypatch):
    for i in range(60):
        picture(photos / f"more{i}.png", 40 + i)
    inside, most = 0, 0
    counted = threading.Lock()
    crops, whole = pipeline.crops, pipeline.render_many

    def entering(*args):
        nonlocal inside, most
        with counted:
            inside += 1
            most = max(most, inside)
        return crops(*args)

    def slow(crops_, *args):
        nonlocal inside
        time.sleep(0.005)
        with counted:
            inside -= len(crops_)
        return whole(crops_, *args)

    monkeypatch.setattr(pipeline, "crops", entering)
    monkeypatch.setattr(pipeline, "render_many", slow)
    assert batch("--batch", "4").code == 0
    assert inside == 0 and most <= 4 + 4 + 2


# ------------------------------------------------------------------------------------ disk, folder


def test_a_disk_that_fills_up_ends_the_run(batch, out, monkeypatch):
    replacing = writing.replacing
    written = []

    def filling(target):
        if len(written) >= 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(target)
        return replacing(target)

    monkeypatch.setattr(writing, "replacing", filling)
    result = batch()
    assert result.code == 1 and "No space left" in result.err and "Traceback" not in result.err
    done = read_results(out / "results.jsonl")
    assert {one.status for one in done.values()} == {"done"} and len(done) == len(written)
    monkeypatch.setattr(writing, "replacing", replacing)
    again = batch()
    assert again.code == 0 and "2 of them by an earlier run" in again.err


def test_results_that_cannot_be_written_end_the_run(batch, out, monkeypatch):
    from hasnet_models.batch import Ledger

    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self):
            pass

    enter = Ledger.__enter__

    def entering(self):
        enter(self)._file = Full()
        return self

    monkeypatch.setattr(Ledger, "__enter__", entering)
    result = batch()
    assert result.code == 1 and "No space left" in result.err and "Traceback" not in result.err


def test_a_really_full_disk(run, photos, small_disk, tmp_path):
    (small_disk / "ballast").write_bytes(bytes(216 * 1024))
    for i in range(60):
        picture(photos / f"x{i:02}.png", 40 + i)
    args = ("batch", photos, "--domain", "pencil", "-o", small_disk / "out", "--size", "16")
    result = run(*args)
    assert result.code == 1 and "No space left" in result.err and "Traceback" not in result.err
    assert not list(small_disk.rglob("*.tmp"))
    for path in (small_disk / "out").glob("*.png"):
        assert image_io.read(path).rgb.shape == (16, 16, 3)
    assert run(*args[:-2]).code == 2  # the plan sees it beforehand
    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert run(*args).code == 0


def test_a_read_only_disk(run, photos, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = run("batch", photos, "--domain", "pencil", "-o", small_disk / "out")
    assert result.code == 2 and "cannot be written" in result.err


# -------------------------------------------------------------------------------- two runs, signals


def test_two_runs_on_one_folder(batch, out):
    with locked(out):
        result = batch()
        assert result.code == 2 and "Another run is writing" in result.err
        assert f"process {os.getpid()}" in result.err
    assert batch().code == 0


def test_shards_exclude_whole_runs_but_not_each_other(out):
    with locked(out, Shard(1, 2)), locked(out, Shard(2, 2)):
        for rival in (None, Shard(1, 2)):
            with pytest.raises(UsageError, match="Another run"), locked(out, rival):
                pass
    with locked(out), pytest.raises(UsageError), locked(out, Shard(1, 2)):
        pass
    assert list(out.iterdir()) == []


def test_the_lock_of_a_dead_process_is_taken_over(batch, out):
    out.mkdir()
    (out / ".hasnet.lock").write_text("process 1 on elsewhere")
    assert batch().code == 0
    assert not (out / ".hasnet.lock").exists()


def test_a_folder_that_cannot_be_locked(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ImageError, match="cannot be written"), locked(tmp_path / "file" / "out"):
        pass


@pytest.fixture
def process(tmp_path):
    """A batch over many photos as a process of its own, its networks as slow as is wanted."""
    photos = tmp_path / "many"
    for i in range(80):
        picture(photos / f"{i:03}.png", 60 + i)
    return lambda wait: prove_batch.Batch(photos, tmp_path / "out", wait=wait)


def wait_for_lines(out: Path, count: int = 3) -> None:
    end = time.monotonic() + 60  # a busy machine takes its time to start
    while prove_batch._lines(out / "results.jsonl") < count:
        assert time.monotonic() < end, "the batch did not start"
        time.sleep(0.01)


@posix
def test_ctrl_c_is_130_and_what_is_done_stays_recorded(process, out):
    with process(0.3).started() as running:
        wait_for_lines(out)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert errors.decode().strip() == "Interrupted."
    records = read_results(out / "results.jsonl")
    assert {f"{Path(key).stem}.png" for key in records} == {p.name for p in out.glob("*.png")}
    assert 3 <= len(records) < 80 and not list(out.glob(".hasnet*"))


@posix
def test_two_processes_at_once(process, out):
    with process(2).started() as first:
        wait_for_lines(out, 1)
        code, _ = process(0).run()
        assert code == 2 and first.poll() is None
        first.kill()
        first.wait()
    assert process(0).run()[0] == 0


@posix
def test_a_reader_that_has_gone(process, out):
    command = [*process(0.3).command, "--jsonl"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as running:
        line = json.loads(running.stdout.readline())
        running.stdout.close()
        errors = running.stderr.read().decode()
    assert line["status"] == "done" and running.returncode not in (0, None)
    assert "Traceback" not in errors and "Exception" not in errors
    assert process(0).run()[0] == 0


# ------------------------------------------------------------------------------------------- watch


@posix
def test_watching_takes_what_arrives_once_it_is_whole(tmp_path, out):
    photos = tmp_path / "arriving"
    picture(photos / "first.png")
    whole = picture(tmp_path / "whole.png", 90).read_bytes()
    more = ("--watch", "--poll", "0.2", "--jsonl")
    process = prove_batch.Batch(photos, out, *more, wait=0.0)
    with process.started() as running:
        wait_for_lines(out, 1)
        slow = photos / "deep" / "slow.png"
        slow.parent.mkdir()
        for end in range(0, len(whole), len(whole) // 8 + 1):  # never two looks alike
            slow.write_bytes(whole[:end])
            time.sleep(0.1)
        slow.write_bytes(whole)
        picture(photos / "first.jpg")  # would become first.png as well
        wait_for_lines(out, 2)
        while read_results(out / "results.jsonl")["deep/slow.png"].status != "done":
            time.sleep(0.1)  # a machine that stood still for two looks took it too early
        time.sleep(1.5)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130 and b"would both become" in errors
    records = read_results(out / "results.jsonl")
    assert {key: one.status for key, one in records.items()} == {
        "first.png": "done",
        "deep/slow.png": "done",
    }
