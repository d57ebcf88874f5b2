"""`hasnet train` as a user meets it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nano
import numpy as np
import pytest

from hasnet_cli import curves
from hasnet_cli.console import Terminal
from hasnet_cli.training_view import watching
from hasnet_models import image_io
from hasnet_models.config.load import ABLATIONS, load_preset, to_toml
from hasnet_models.errors import UsageError
from hasnet_models.locking import held
from hasnet_models.training import metrics
from hasnet_models.training.loop import TrainingStatus

ROOT = Path(__file__).parents[1]


@pytest.fixture
def here(tmp_path):
    nano.make_folder(tmp_path / "faces")
    (tmp_path / "nano.toml").write_text(to_toml(nano.preset()))
    return tmp_path


def train_arguments(here, *more):
    given = [here / "faces", "--preset", here / "nano.toml", "--cache", here / "cache"]
    return ["train", *given, "--device", "cpu", *more]


def test_training_writes_weights_log_and_preview(run, here):
    out = run(*train_arguments(here, "--stage", "rt", "--images", 8, "-o", here / "run"))
    assert out.code == 0 and out.out.strip() == str(here / "run" / "rt_net.safetensors")
    assert "images 4" in out.err and "huber" in out.err
    names = {p.name for p in (here / "run").iterdir()}
    assert {"metrics.jsonl", "preview-00000008.png", "step-00000002", "latest"} <= names


def test_two_runs_do_not_share_a_folder(run, here):
    (here / "run").mkdir()
    with held(here / "run" / ".hasnet.lock"):
        out = run(*train_arguments(here, "--stage", "rt", "--images", 8, "-o", here / "run"))
    assert out.code == 2 and "Another run is writing" in out.err
    assert not list((here / "run").iterdir())


def test_a_run_does_not_write_over_its_base(run, here):
    arguments = train_arguments(here, "--stage", "rt", "--images", 4, "-o", here / "run")
    assert run(*arguments).code == 0
    base = here / "run" / "rt_net.safetensors"
    before = base.read_bytes()
    out = run(*arguments, "--base", base)
    assert out.code == 2 and "would write over it" in out.err and base.read_bytes() == before


def test_other_threads_are_said_when_a_run_goes_on(run, here):
    arguments = train_arguments(here, "--stage", "rt", "-o", here / "run")
    assert run(*arguments, "--images", 4, "--threads", 1).code == 0
    assert "not to the bit" not in run(*arguments, "--images", 8, "--threads", 1).err
    assert "not to the bit" in run(*arguments, "--images", 12, "--threads", 2).err


def test_pictures_that_cannot_be_used_are_listed_and_counted(run, here):
    lines = (here / "faces" / "index.tsv").read_text()
    (here / "faces" / "red" / "text.png").write_text("text")
    (here / "faces" / "index.tsv").write_text(lines + "red\ttrain\tred/text.png\tperson9\n")
    out = run(*train_arguments(here, "--stage", "rt", "--images", 4, "-o", here / "run"))
    assert out.code == 0 and "left out: red/text.png" in out.err
    assert "1 of 13 pictures were left out." in out.err


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere.json", "cannot be read"), ("bad.json", "is damaged: Expecting")]
)
def test_parts_that_cannot_be_used_are_one_sentence(run, here, name, said):
    (here / "bad.json").write_text("{")
    out = run(*train_arguments(here, "--stage", "tt", "--parts", here / name, "-o", here / "run"))
    assert out.code == 2 and said in out.err and "Traceback" not in out.err
    assert not (here / "run").exists()


def test_batch_that_processes_cannot_share_is_refused(run, here):
    arguments = train_arguments(here, "--stage", "rt", "-o", here / "run")
    out = run(*arguments, "--processes", 3)
    assert out.code == 2 and "A batch of 4 cannot be shared by 3 processes." in out.err
    assert not (here / "run").exists()


@pytest.mark.parametrize("more", [[], ["--processes", "2"]])
def test_interrupt_finishes_the_step_saves_and_goes_on_later(here, more):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "hasnet_cli"]
    command += map(str, train_arguments(here, "--stage", "rt", "-o", "run", "--log-every", "0"))
    command += more
    metrics = here / "run" / "metrics.jsonl"
    with subprocess.Popen(
        command, cwd=here, env=environment, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        give_up = time.monotonic() + 120
        while not metrics.is_file() and process.poll() is None and time.monotonic() < give_up:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert list((here / "run").glob(f"step-{steps[-1]:08d}"))
    done = subprocess.run(
        [*command, "--images", str(4 * steps[-1] + 4)], cwd=here, env=environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(metrics.read_text().splitlines()[-1])["step"] == steps[-1] + 1


def test_dry_run_prints_a_configuration_that_can_be_read_back(run, here):
    out = run(*train_arguments(here, "--stage", "rt", "--set", "rt_train.lr=0.01", "--dry-run"))
    assert out.code == 0
    (here / "again.toml").write_text(out.out)
    assert load_preset(str(here / "again.toml")).rt_train.lr == 0.01
    for what in ("12 faces", "parameters: generator", "GFLOP a step", "GiB of memory"):
        assert what in out.out
    assert not (here / "here" / "runs").exists()


def test_plot_draws_the_losses(run, here):
    rows = [{"step": i, "images": i * 4, "huber": 1 / (i + 1), "d": 2.0} for i in range(50)]
    lines = [json.dumps(r) for r in rows]
    lines.insert(3, '{"step": 3, "ima')
    (here / "metrics.jsonl").write_text("\n".join(lines))
    out = run("curves", here)
    assert out.code == 0 and out.out.strip() == str(here / "curves.png")
    rgb = image_io.read(here / "curves.png").rgb
    assert rgb.shape[1] == 2 * curves.PANEL[0]
    blue = (rgb == np.array(curves.LINE, np.uint8)).all(2)
    assert blue[:, : curves.PANEL[0]].sum() > 100 and blue[:, curves.PANEL[0] :].sum() > 100


def test_curves_go_where_they_are_sent_and_over_no_input(run, here):
    (here / "metrics.jsonl").write_text('{"step": 1, "images": 4, "d": 2.0}\n')
    out = run("curves", here / "metrics.jsonl", "-o", here / "losses.png")
    assert out.code == 0 and image_io.read(here / "losses.png").rgb.ndim == 3
    assert not (here / "curves.png").exists()
    assert run("curves", here / "nowhere").code == 2


def test_resumed_images_count_once_in_the_curves(tmp_path):
    images = [4, 8, 12, 8, 12, 16]
    text = "\n".join(json.dumps({"images": n, "d": i}) for i, n in enumerate(images))
    (tmp_path / "metrics.jsonl").write_text(text)
    assert metrics.read_metrics(tmp_path)["d"] == [(4, 0), (8, 3), (12, 4), (16, 5)]


@pytest.mark.parametrize("text", [None, "", "nonsense\n", '{"images": 4, "d": NaN}\n'])
def test_nothing_to_plot_is_one_sentence(text, tmp_path):
    if text is not None:
        (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(UsageError):
        metrics.read_metrics(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--stage", "rt", "--device", "cuda:7"], 7, "cuda:7 is not available"),
        (["--stage", "rt", "--precision", "fp8"], 2, "fp8"),
        (["--stage", "tt", "--ablate", "no-rf"], 2, "did you mean no-rt"),
        (["--stage", "tt", "--set", "tt.con0=17"], 2, "one of 16, 32, 64"),
        (["--stage", "rt", "--domain", "red"], 2, "belongs to stage"),
        (["--stage", "tt", "--base", "x"], 5, "Cannot read the weights"),
        ([], 2, "--stage"),
    ],
)
def test_wrong_use_is_one_sentence(arguments, code, words, run, here):
    out = run(*train_arguments(here, *arguments))
    assert out.code == code and re.search(words, out.err) and "Traceback" not in out.err


def test_tensorboard_gets_each_quantity_of_the_run(run, here):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    words = ("--stage", "rt", "--images", 8, "--log-every", 0, "--tensorboard")
    assert run(*train_arguments(here, *words, "-o", here / "run")).code == 0
    curves_of = metrics.read_metrics(here / "run")
    events = accumulator.EventAccumulator(str(here / "run")).Reload()
    assert set(events.Tags()["scalars"]) == set(curves_of)
    for name, curve in curves_of.items():
        found = np.array([(event.step, event.value) for event in events.Scalars(name)])
        np.testing.assert_allclose(found, np.array(curve), rtol=1e-5)


@pytest.mark.parametrize("way", ["variable", "file"])
def test_device_is_taken_from_the_settings(way, run, here, monkeypatch):
    if way == "variable":
        monkeypatch.setenv("HASNET_DEVICE", "cuda:7")
    else:
        Path("hasnet.toml").write_text('device = "cuda:7"\n')
    arguments = [a for a in train_arguments(here, "--stage", "rt") if a not in ("--device", "cpu")]
    out = run(*arguments)
    assert out.code == 7 and "cuda:7 is not available" in out.err


def test_tensorboard_that_is_missing_is_one_sentence(run, here, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    out = run(*train_arguments(here, "--stage", "rt", "--images", 4, "--tensorboard"))
    assert out.code == 2 and "TensorBoard is not installed." in out.err
    assert "hasnet[tensorboard]" in out.err


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines(capsys):
    terminal = Terminal()
    status = TrainingStatus(64, 0.5, 12.3, {"d": 1.25})
    with watching(terminal, "run", endless=False) as view:
        view.step(status)
        view.row({"images": 64, "d": 1.25})
    assert capsys.readouterr().err == "images 64  d 1.25\n"
    terminal.progress_mode = "rich"
    for endless in (False, True):
        with watching(terminal, "run", endless=endless) as view:
            view.step(status)
            view.row({"images": 64})
            terminal.say("a word")
        shown = capsys.readouterr().err
        assert "64 images" in shown and "12.3/s" in shown and "a word" in shown


def test_help_names_every_ablation(run):
    out = run("train", "--help")
    assert all(name in " ".join(out.out.split()) for name in ABLATIONS)
