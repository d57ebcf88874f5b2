"""`hasnet eval` as a user meets it, without networks."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import eval_fakes
import nano
import numpy as np
import pytest
from fakes import FakePipeline
from safetensors.torch import load_file

from hasnet_cli import ablations, factory
from hasnet_cli.console import Terminal
from hasnet_models import image_io
from hasnet_models.config.build import to_dict
from hasnet_models.config.load import to_toml
from hasnet_models.evaluation import paper
from hasnet_models.evaluation.systems import reinhard, source
from hasnet_models.networks.rt_net import RTNet
from hasnet_models.networks.tt_net import TTNet
from hasnet_models.weights.load import save_state

pytest.importorskip("torchmetrics")
ROOT = Path(__file__).parents[1]


class Broken(source.Source):
    name = "broken"

    def make(self, sample):
        raise RuntimeError("a fault\nof two lines")


@pytest.fixture
def faces(tmp_path):
    """The nano faces, six a domain, in a split "val"; the first three of each in "train" too."""
    folder = nano.make_folder(tmp_path / "faces", each=9)
    lines = (folder / "index.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    for row in rows:
        row[1] = "train" if int(Path(row[2]).stem) < 3 else "val"
    text = "\n".join([lines[0], *("\t".join(row) for row in rows)]) + "\n"
    (folder / "index.tsv").write_text(text)
    return folder


@pytest.fixture
def fake(monkeypatch, tmp_path):
    peers = [source.Source(), reinhard.Reinhard(), Broken()]
    eval_fakes.install(monkeypatch.setattr, tmp_path / "domains", peers)


def table_of(out: Path) -> dict:
    (table,) = json.loads((out / "table.json").read_text())["tables"]
    return table


def test_a_table_has_every_system_and_says_why_one_fails(run, fake, faces, tmp_path):
    out = tmp_path / "out"
    code, stdout, err = run("eval", faces, "--domain", "red", "--sources", 3, "-o", out)
    assert code == 0, err
    table = table_of(out)
    rows = {row["system"]: row for row in table["rows"]}
    own = ["HASNet", "HASNet, no shape", "HASNet, no zones", "HASNet, no medium"]
    assert list(rows) == ["source", "Reinhard", "broken", *own]
    assert rows["broken"]["failure"] == "RuntimeError: a fault of two lines"
    assert not [row for name, row in rows.items() if row["failure"] and name != "broken"]
    assert "a fault of two lines" in stdout and "Traceback" not in err
    keys = {column["key"] for column in table["columns"]}
    assert keys >= {"id/pixels", "colour", "fid", "kid", "overall", "content", "ssim", "domain"}
    assert table["settings"]["pairs"] == 6 and table["settings"]["classifier"]
    values = rows["source"]["values"]
    assert values["content"]["value"] == 0 and values["ssim"]["value"] == pytest.approx(1)
    parts = [values[k]["value"] for k in ("id/pixels", "colour", "fid", "kid")]
    assert values["overall"]["value"] == pytest.approx(sum(parts))
    assert values["colour"]["low"] <= values["colour"]["value"] <= values["colour"]["high"]


def test_the_table_is_written_as_csv_and_markdown_too(run, fake, faces, tmp_path):
    out = tmp_path / "out"
    run("eval", faces, "--domain", "red", "--sources", 3, "-o", out)
    with (out / "table.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    values = {(r["system"], r["metric"]): r["value"] for r in lines}
    expected = next(r for r in table_of(out)["rows"] if r["system"] == "Reinhard")["values"]["fid"]
    assert float(values["Reinhard", "fid"]) == pytest.approx(expected["value"], rel=1e-5)
    markdown = (out / "table.md").read_text()
    assert "FID (means) ↓" in markdown and "| broken | RuntimeError: a fault" in markdown
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1


def test_the_same_command_gives_the_same_table_and_another_seed_another(run, fake, faces, tmp_path):
    def table(name, seed):
        arguments = ("--domain", "red", "--sources", 3, "--seed", seed)
        assert run("eval", faces, *arguments, "-o", tmp_path / name).code == 0
        return (tmp_path / name / "table.json").read_text()

    assert table("a", 1) == table("b", 1)
    assert table("c", 2) != table("a", 1)


def test_a_second_run_makes_nothing_again(run, fake, faces, tmp_path):
    arguments = ("eval", faces, "--domain", "red", "--sources", 3, "-o", tmp_path / "out")
    run(*arguments)
    folder = tmp_path / "out" / "pictures"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    table = (tmp_path / "out" / "table.json").read_text()
    for lost in ("bank", "measures"):
        next((tmp_path / "out" / lost).rglob("*.safetensors")).unlink()
    assert run(*arguments).code == 0
    assert (tmp_path / "out" / "table.json").read_text() == table
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}


def test_a_killed_run_goes_on_and_ends_with_the_same_table(faces, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "tests" / "eval_fakes.py"), str(tmp_path / "domains")]
    command += ["eval", str(faces), "--domain", "red", "--sources", "6", "--system", "source"]
    command += ["--system", "slow", "--system", "Reinhard", "-o"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    slow = killed / "pictures" / "slow"
    with subprocess.Popen([*command, str(killed)], env=environment, cwd=tmp_path) as process:
        give_up = time.monotonic() + 120
        while not any(slow.glob("*.png")) and time.monotonic() < give_up:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in slow.glob("*.png")}
    assert 0 < len(done) < 12 and not (killed / "table.json").exists()
    for out in (killed, whole):
        subprocess.run([*command, str(out)], env=environment, cwd=tmp_path, check=True)
    assert all(path.stat().st_mtime_ns == then for path, then in done.items())
    assert (killed / "table.json").read_text() == (whole / "table.json").read_text()


def test_outputs_of_another_program_are_a_row(run, fake, faces, tmp_path):
    out, toonify = tmp_path / "out", tmp_path / "toonify"
    arguments = ("eval", faces, "--domain", "red", "--sources", 3, "-o", out)
    code, stdout, _ = run(*arguments, "--inputs-only")
    assert code == 0 and not stdout and not (out / "table.json").exists()
    with (out / "pairs.csv").open(newline="") as file:
        pairs = list(csv.DictReader(file))
    toonify.mkdir()
    for pair in pairs:
        rgb = image_io.read(out / pair["reference"]).rgb
        image_io.write(rgb, toonify / f"{pair['name']}.png")
    asked = (*arguments, "--outputs", toonify, "--name", "Toonify")
    assert run(*asked, "--system", "Toonify").code == 0
    (row,) = table_of(out)["rows"]
    assert row["system"] == "Toonify" and row["values"]["colour"]["value"] == 0
    (toonify / f"{pairs[0]['name']}.png").unlink()
    code, _, err = run("eval", faces, "--domain", "red", "--sources", 3, "-o", tmp_path / "new",
                       "--outputs", toonify, "--name", "Toonify")  # fmt: skip
    assert code == 2 and f"lacks 1 of the 6 outputs, the first being {pairs[0]['name']}" in err


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        (["--domain", "green"], 6, "green"),
        ([], 2, "Give either --domain NAME for one table or --paper for all."),
        (["--domain", "red", "--split", "test"], 2, "has no split 'test'"),
        (["--domain", "red", "--outputs", "x"], 2, "needs a --name"),
        (["--domain", "red", "--outputs", "x", "--name", "X"], 2, "no folder of outputs at x"),
        (["--domain", "red", "--system", "GAN"], 2, "There is no system 'GAN'."),
        (["--domain", "red", "--sources", "2"], 2, "The protocol gives 4 pictures"),
        (["--domain", "red", "--outputs", ".", "--name", "hasnet"], 2, "'hasnet' is another"),
        (["--domain", "red", "--split", "train"], 2, "and FID needs at least 5."),
    ],
)
def test_bad_input_is_one_sentence(run, fake, faces, tmp_path, changes, code, said):
    found = run("eval", faces, "-o", tmp_path / "out", *changes)
    errors = [line for line in found.err.splitlines() if line.startswith("hasnet: ")]
    assert (found.code, len(errors)) == (code, 1) and said in errors[0], found.err


def test_a_folder_of_other_settings_is_left_alone(run, fake, faces, tmp_path):
    arguments = ("eval", faces, "--domain", "red", "--sources", 3, "-o", tmp_path / "out")
    run(*arguments)
    before = (tmp_path / "out" / "table.json").read_text()
    code, _, err = run(*arguments, "--seed", 7)
    assert code == 2 and "holds an evaluation with other settings" in err
    assert (tmp_path / "out" / "table.json").read_text() == before


def test_without_torchmetrics_one_sentence_says_what_to_install(
    run, fake, faces, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "torchmetrics.image", None)
    code, _, err = run("eval", faces, "--domain", "red", "-o", tmp_path / "out")
    assert code == 2 and "needs torchmetrics" in err and "hasnet[eval]" in err


def test_the_paper_s_tables_have_both_protocols(run, fake, faces, tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "DOMAINS", ("red", "blue"))
    monkeypatch.setattr(paper, "SOURCES", eval_fakes.NAMES)
    out, toonify = tmp_path / "out", tmp_path / "toonify"
    arguments = ("eval", faces, "--paper", "--sources", 3, "--photos", 5, "--ablate-images", 0)
    run(*arguments, "-o", out, "--inputs-only")
    with (out / "table3-red" / "pairs.csv").open(newline="") as file:
        names = [pair["name"] for pair in csv.DictReader(file)]
    (toonify / "table3-red").mkdir(parents=True)
    for name in names:
        image_io.write(np.zeros((32, 32, 3), np.uint8), toonify / "table3-red" / f"{name}.png")
    code, _, err = run(*arguments, "-o", out, "--outputs", toonify, "--name", "Toonify")
    assert code == 0, err
    tables = json.loads((out / "table.json").read_text())["tables"]
    systems = {table["title"]: [row["system"] for row in table["rows"]] for table in tables}
    assert list(systems) == ["Table 2, red", "Table 2, blue", "Table 3, red", "Table 3, blue"]
    assert systems["Table 3, red"] == ["source", "HASNet", "Toonify"]
    assert systems["Table 3, blue"] == ["source", "HASNet"]
    assert "Reinhard" in systems["Table 2, red"] and len(names) == 5


# ------------------------------------------------------------------------------------ ablations


@pytest.fixture
def base(tmp_path, monkeypatch):
    """Nano networks in the place of the installed ones; gives their preset's file."""
    folder = tmp_path / "base"
    folder.mkdir()
    preset = nano.preset(tt_train={"pool": 0, "feature_width": 0})
    for name, kind, config in (("rt", RTNet, preset.rt), ("tt", TTNet, preset.tt)):
        metadata = {"config": json.dumps(to_dict(config)), "images": "100"}
        save_state(folder / f"{name}_net.safetensors", kind(config).state_dict(), metadata)
    monkeypatch.setenv("HASNET_WEIGHTS", str(folder))
    (tmp_path / "nano.toml").write_text(to_toml(preset))
    return tmp_path / "nano.toml"


def test_ablations_are_rows_of_table_2_with_their_own_weights(
    run, fake, faces, tmp_path, monkeypatch
):
    trained, loaded = [], []

    def train(name, changes, _faces, _out, budget, _terminal):
        assert (budget.images, budget.parts) == (8, tmp_path / "parts.json")
        trained.append(changes)
        return tmp_path / "-".join(("weights", *changes))

    def load(device="auto", backend="embedded", runtime="auto"):
        loaded.append(os.environ.get("HASNET_WEIGHTS"))
        return FakePipeline()

    monkeypatch.setattr(ablations, "train", train)
    monkeypatch.setattr(factory, "load_pipeline", load)
    monkeypatch.setattr(paper, "DOMAINS", ("red",))
    monkeypatch.setattr(paper, "SOURCES", eval_fakes.NAMES)
    arguments = ("eval", faces, "--paper", "--sources", 3, "--photos", 5, "--ablate-images", 8)
    arguments += ("--parts", tmp_path / "parts.json")
    assert run(*arguments, "-o", tmp_path / "out").code == 0
    second, third = json.loads((tmp_path / "out" / "table.json").read_text())["tables"]
    names = [row["system"] for row in second["rows"] if not row["failure"]]
    assert names[-5:] == [f"{name} (8)" for name in paper.ABLATIONS]
    assert [row["system"] for row in third["rows"]] == ["source", "HASNet"]
    assert trained == list(paper.ABLATIONS.values())
    assert loaded == [None, *(str(tmp_path / "-".join(("weights", *c))) for c in trained)]
    assert "HASNET_WEIGHTS" not in os.environ
    assert run(*arguments, "-o", tmp_path / "out").code == 0 and len(trained) == 5


@pytest.mark.slow
@pytest.mark.parametrize("changes", [(), ("no-rt",), ("no-cx",)])
def test_an_ablation_is_trained_on_from_the_base_and_only_once(base, folder, tmp_path, changes):
    budget = ablations.AblationBudget(8, str(base), tmp_path / "cache", "cpu")
    arguments = ("x", changes, folder, tmp_path / "out", budget, Terminal())
    weights = ablations.train(*arguments) / "tt_net.safetensors"
    before, trained = weights.stat().st_mtime_ns, load_file(weights)
    installed = load_file(base.parent / "base" / "tt_net.safetensors")
    assert trained.keys() == installed.keys()
    assert any(not np.array_equal(trained[name], installed[name]) for name in trained)
    ablations.train(*arguments)
    assert weights.stat().st_mtime_ns == before
    assert not list(weights.parent.glob("preview*")), "a preview costs more than a short training"
