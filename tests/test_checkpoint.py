"""Checkpoints: whole or not at all, whatever happens while they are written."""

import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from pathlib import Path

import nano
import pytest
import torch

from hasnet_models.errors import HasnetError, UsageError, WeightsError
from hasnet_models.training import checkpoint, loop

KILLS = 20


def run(stage, path, images):
    return loop.train(stage, path, loop.Budget(images=images), lambda line: None)


def save(path, step, **options):
    state = {"step": step, "net": {"w": torch.full((64, 64), float(step))}}
    return checkpoint.save(path, step, state, {"stage": "x", "config": {}}, **options)


def load(path):
    return checkpoint.load(path, nano.CPU)


def names(path):
    return sorted(p.name for p in path.iterdir())


def save_for_ever(path, start):
    for step in range(start, 10**6):
        save(path, step)
        save(path, step)  # the same step once more replaces a checkpoint that is there


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, to start quickly")
def test_kill_at_any_moment_leaves_a_loadable_latest(tmp_path):
    rng = random.Random(0)
    context, last = multiprocessing.get_context("fork"), 0
    save(tmp_path, 0)
    for _ in range(KILLS):
        saver = context.Process(target=save_for_ever, args=(tmp_path, last + 1))
        saver.start()
        while not checkpoint.whole(tmp_path) or load_step(tmp_path) <= last:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.05))
        os.kill(saver.pid, signal.SIGKILL)
        saver.join()
        state, meta = load(tmp_path)
        assert state["step"] == meta["step"] > last
        assert (state["net"]["w"] == state["step"]).all()
        last = state["step"]
    save(tmp_path, last + 1)
    assert names(tmp_path) == ["latest", *sorted(p.name for p in checkpoint.whole(tmp_path))]


def load_step(path):
    try:
        return load(path)[1]["step"]
    except WeightsError:  # removed by the saver in the moment between finding and reading it
        return -1


def test_the_same_step_again_replaces_the_older(tmp_path):
    save(tmp_path, 3)
    again = save(tmp_path, 3)
    assert checkpoint.whole(tmp_path) == [again] == [checkpoint.latest(tmp_path)]


def test_after_going_back_the_newest_counts_not_the_highest(tmp_path):
    for step in (1, 5, 9):
        save(tmp_path, step, keep=5)
    newest = save(tmp_path, 2, keep=2)
    assert checkpoint.latest(tmp_path) == newest
    assert (tmp_path / "latest").read_text() == newest.name
    assert {p.name[-1] for p in checkpoint.whole(tmp_path)} == {"2", "9"}


def test_the_best_is_kept_beside_the_last(tmp_path):
    for step, score in enumerate((3.0, 1.0, 2.0, 4.0, 5.0)):
        save(tmp_path, step, best=score)
    assert {p.name[-1] for p in checkpoint.whole(tmp_path)} == {"1", "3", "4"}
    assert checkpoint.best(tmp_path).name == (tmp_path / "best").read_text() == "step-00000001"
    assert checkpoint.latest(tmp_path).name == "step-00000004"


def test_without_scores_there_is_no_best(tmp_path):
    save(tmp_path, 1)
    assert checkpoint.best(tmp_path) is None and not (tmp_path / "best").exists()


def test_checkpoints_without_a_counter_go_by_their_step(tmp_path):
    for step in (2, 10):
        path = save(tmp_path, step, keep=9)
        (path / "meta.json").write_text('{"stage": "x", "config": {}}')
    assert checkpoint.latest(tmp_path).name == "step-00000010"
    save(tmp_path, 11)
    assert checkpoint.latest(tmp_path).name == "step-00000011"


def test_pointer_with_rubbish_does_no_harm(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "latest").write_bytes(b"\xff\xfe")
    (tmp_path / "step-notanumber").mkdir()
    assert load(tmp_path)[0]["step"] == 1


@pytest.mark.parametrize("file", ["state.pt", "meta.json"])
def test_full_disk_is_one_sentence_and_the_last_stays(tmp_path, monkeypatch, file):
    good = save(tmp_path, 1)
    real = Path.open

    def full(self, *args, **options):
        if self.name == file and "w" in (*args, options.get("mode", ""))[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(HasnetError) as caught:
        save(tmp_path, 2)
    assert str(caught.value).endswith(
        "step-00000002: No space left on device; the earlier ones are kept."
    )
    monkeypatch.undo()
    assert checkpoint.latest(tmp_path) == good and load(tmp_path)[0]["step"] == 1
    assert names(tmp_path) == ["latest", "step-00000001"]


def test_a_disk_that_is_really_full(small_disk):
    good = save(small_disk, 1)
    large = {"step": 2, "net": {"w": torch.zeros(400, 400)}}
    with pytest.raises(HasnetError, match=r"step-00000002: No space left on device; the earlier"):
        checkpoint.save(small_disk, 2, large, {})
    assert checkpoint.latest(small_disk) == good and load(small_disk)[0]["step"] == 1
    assert names(small_disk) == ["latest", "step-00000001"]
    save(small_disk, 3)


def test_damaged_checkpoint_names_the_one_before(tmp_path):
    before, damaged = save(tmp_path, 1), save(tmp_path, 2)
    (damaged / "state.pt").write_bytes(b"\x80")
    with pytest.raises(WeightsError, match="cannot be read") as caught:
        load(tmp_path)
    assert str(before) in caught.value.hint
    assert load(before)[0]["step"] == 1


def test_a_file_cut_anywhere_is_a_weights_error(tmp_path):
    for name in ("state.pt", "meta.json"):
        file = save(tmp_path, 1) / name
        data = file.read_bytes()
        for tenth in range(10):
            file.write_bytes(data[: len(data) * tenth // 10])
            with pytest.raises(WeightsError, match="cannot be read") as caught:
                load(tmp_path)
            assert ". " not in str(caught.value), "one sentence"
        shutil.rmtree(file.parent)


def test_changed_data_is_said():
    assert checkpoint.data_changed({"data": "a"}, "a") is None
    assert checkpoint.data_changed({}, "a") is None
    assert "fingerprint a, now b" in checkpoint.data_changed({"data": "a"}, "b")


def test_damaged_checkpoint_is_a_weights_error(folder, tmp_path):
    run(nano.rt_stage(folder), tmp_path / "run", 4)
    state = checkpoint.latest(tmp_path / "run") / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read"):
        loop.resume(nano.rt_stage(folder), tmp_path / "run", nano.CPU)


def test_checkpoint_of_another_layout_is_one_sentence(folder, tmp_path):
    run(nano.rt_stage(folder), tmp_path / "run", 4)
    meta = checkpoint.latest(tmp_path / "run") / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "format": 1}))
    with pytest.raises(UsageError, match="number 1") as error:
        loop.resume(nano.rt_stage(folder), tmp_path / "run", nano.CPU)
    assert "base=FILE" in error.value.hint and error.value.parameters == ("base",)
    meta.write_text("[1, 2]")
    with pytest.raises(WeightsError, match="cannot be read"):
        loop.resume(nano.rt_stage(folder), tmp_path / "run", nano.CPU)


def test_no_checkpoint_is_a_usage_error(folder, tmp_path):
    with pytest.raises(UsageError, match="no checkpoint"):
        loop.resume(nano.rt_stage(folder), tmp_path / "nothing", nano.CPU)


def test_half_written_checkpoint_is_ignored_and_cleared(folder, tmp_path):
    stage = nano.rt_stage(folder)
    run(stage, tmp_path / "run", 4)
    good = checkpoint.latest(tmp_path / "run")
    (tmp_path / "run" / ".step-00000009.1.tmp").mkdir()
    assert checkpoint.latest(tmp_path / "run") == good
    stage.step()
    loop.save(stage, tmp_path / "run")
    assert not list((tmp_path / "run").glob(".*"))


def test_only_the_last_checkpoints_are_kept(folder, tmp_path):
    stage = nano.rt_stage(folder)
    for _ in range(4):
        stage.step()
        loop.save(stage, tmp_path / "run")
    assert [p.name[-1] for p in sorted((tmp_path / "run").glob("step-*"))] == ["3", "4"]


def test_unwritable_run_folder_is_one_sentence(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HasnetError, match="Cannot save the checkpoint"):
        checkpoint.save(tmp_path / "file" / "run", 1, {}, {})
