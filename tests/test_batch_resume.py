"""A batch goes on where an earlier one ended, by what is in the files and not by their names."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from hasnet_models.batch import Ledger, Result, Shard, read_results

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import prove_batch
from fakes import picture


@pytest.fixture
def photos(tmp_path, site, pipeline):
    site.install("pencil")
    site.install("crayon")
    for i in range(4):
        picture(tmp_path / "photos" / "sub" / f"{i}.png", 160 + i)
    return tmp_path / "photos"


@pytest.fixture
def batch(run, photos, tmp_path, pipeline):
    """Run a batch; gives the outcome, how many faces were drawn, and the records."""
    out = tmp_path / "out"

    def call(*more):
        pipeline.rendered.clear()
        domain = () if "--domain" in more else ("--domain", "pencil")
        result = run("batch", photos, *domain, "-o", out, *more)
        return result, len(pipeline.rendered), read_results(out / "results.jsonl")

    return call


def test_a_second_run_has_nothing_to_do(batch, tmp_path):
    first, drawn, records = batch()
    assert (first.code, drawn) == (0, 4)
    before = prove_batch.hashes(tmp_path / "out")
    second, drawn, again = batch()
    assert (second.code, drawn) == (0, 0)
    assert "4 of 4 photos done, 4 of them by an earlier run" in second.err
    assert prove_batch.hashes(tmp_path / "out") == before and again == records


def test_records_say_what_was_made_from_what(batch, photos, tmp_path):
    _, _, records = batch()
    record = records["sub/1.png"]
    inputs, outputs = prove_batch.hashes(photos), prove_batch.hashes(tmp_path / "out")
    assert record.input_sha256 == inputs["sub/1.png"]
    assert record.outputs == {"sub/1.png": outputs["sub/1.png"]}
    assert record.faces == 1 and record.seconds >= 0
    assert len({r.parameters for r in records.values()}) == 1
    assert list(records) == sorted(records)


@pytest.mark.parametrize("change", ["content", "output deleted", "output damaged", "renamed"])
def test_what_changed_is_made_again(batch, photos, tmp_path, change):
    batch()
    source, target = photos / "sub" / "1.png", tmp_path / "out" / "sub" / "1.png"
    if change == "content":
        picture(source, 90)
    elif change == "output deleted":
        target.unlink()
    elif change == "output damaged":
        target.write_bytes(target.read_bytes()[:-20])
    else:
        source.rename(source.with_name("other.png"))
    result, drawn, records = batch()
    assert (result.code, drawn, len(records)) == (0, 1, 4)
    assert batch()[1] == 0


def test_an_avatar_that_was_repainted_stays(batch, tmp_path):
    batch()
    target = picture(tmp_path / "out" / "sub" / "1.png", 3)
    repainted = target.read_bytes()
    result, _, _ = batch()
    assert result.code == 3 and "1.png is no avatar any more" in result.err
    assert target.read_bytes() == repainted
    assert batch("--overwrite")[0].code == 0 and target.read_bytes() != repainted


def test_a_touched_or_copied_folder_is_not_made_again(batch, photos):
    batch()
    for path in photos.rglob("*.png"):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    assert batch()[1] == 0


@pytest.mark.parametrize(
    "more", [("--domain", "crayon"), ("--size", "32"), ("--paste",), ("--reference", "2")]
)
def test_other_parameters_make_other_avatars(batch, more):
    batch()
    assert batch(*more)[1] == 4
    assert batch(*more)[1] == 0


def test_where_it_is_computed_does_not_matter(batch):
    batch()
    assert batch("--device", "cpu", "--batch", "3", "--workers", "1")[1] == 0


def test_other_weights_make_other_avatars(batch, monkeypatch):
    batch()
    hashes = "hasnet_models.avatar.provenance.weights_hashes"
    monkeypatch.setattr(hashes, lambda domain, **_: {"rt": "new"})
    assert batch()[1] == 4


def test_overwrite_makes_all_again(batch):
    batch()
    assert batch("--overwrite")[1] == 4


def test_what_failed_is_tried_again_only_when_asked(batch, photos):
    picture(photos / "black.png", 0)
    assert batch()[0].code == 3
    second, _, _ = batch()
    assert second.code == 3 and "--retry-failed tries again" in second.err
    third, _, _ = batch("--retry-failed")
    assert third.code == 3 and "--retry-failed" not in third.err
    picture(photos / "black.png", 200)  # another content is another photo
    assert batch()[0].code == 0


def test_chance_stays_what_it_was(batch, photos):
    batch("--reference", "random")
    picture(photos / "new.png", 33)
    result, drawn, records = batch("--reference", "random")
    assert (result.code, drawn) == (0, 1)
    assert len({record.seed for record in records.values()}) == 1
    assert batch("--reference", "random", "--seed", 5)[1] == 5


def test_a_torn_line_costs_one_photo(batch, tmp_path):
    batch()
    path = tmp_path / "out" / "results.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 40])
    result, drawn, records = batch()
    assert (result.code, drawn, len(records)) == (0, 1, 4)


@pytest.mark.parametrize("junk", [b"", b"\x00\xff\n", b"[]\n", b'{"schema": 99}\n', b"{}\nnull"])
def test_a_damaged_record_is_no_obstacle(batch, tmp_path, junk):
    batch()
    (tmp_path / "out" / "results.jsonl").write_bytes(junk)
    result, drawn, records = batch()
    assert (result.code, drawn, len(records)) == (0, 4, 4)


def test_names_that_are_no_text_come_back(tmp_path):
    name = "caf\udce9.png"
    with Ledger(tmp_path) as ledger:
        ledger.add(Result(name, "failed", error="quo\"te and 人"))
    assert list(read_results(tmp_path / "results.jsonl")) == [name]


def test_temporary_files_of_a_killed_run_go(batch, tmp_path):
    batch()
    left = tmp_path / "out" / "sub" / ".hasnet-0123.tmp"
    left.write_bytes(b"half")
    batch()
    assert not left.exists()


def test_a_dry_run_says_what_is_to_do_and_does_nothing(batch, photos, tmp_path):
    result, drawn, _ = batch("--dry-run")
    assert (result.code, drawn) == (0, 0) and not (tmp_path / "out").exists()
    assert result.out.splitlines()[0].split("\t")[:2] == ["new", "sub/0.png"]
    batch()
    picture(photos / "sub" / "1.png", 9)
    before = prove_batch.hashes(tmp_path)
    result, drawn, _ = batch("--dry-run", "--jsonl")
    states = {line["input"]: line["status"] for line in map(json.loads, result.out.splitlines())}
    assert states == {f"sub/{i}.png": "new" if i == 1 else "done" for i in range(4)}
    assert drawn == 0 and prove_batch.hashes(tmp_path) == before


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    """The small brother of `tools/prove_batch.py kill`."""
    found = prove_batch.prove_kill(tmp_path, 40, 4, wait=0.02, seed=2)
    assert found["outputs"] == 35 and found["exit_code"] == 3
    assert found["still_at_work"] >= 1


# ------------------------------------------------------------------------------------------- shards


def of_shard(shard: Shard, count: int) -> list[str]:
    names = (f"n{i}.png" for i in range(1000))
    return [name for name in names if shard.holds(name)][:count]


def test_a_shard_that_watches_records_its_own_photos_alone(batch, photos, tmp_path):
    first, second = Shard(1, 2), Shard(2, 2)
    for name in (*of_shard(first, 3), *of_shard(second, 3)):
        picture(photos / name)
    assert batch("--shard", "2/2")[0].code == 0
    picture(photos / of_shard(first, 4)[-1], 0)  # no face: ends the watch
    args = ("--shard", "1/2", "--watch", "--poll", "0.01", "--on-error", "stop", "--workers", "1")
    assert batch(*args)[0].code in (1, 3)
    path = tmp_path / "out" / "results-1of2.jsonl"
    lines = [json.loads(line)["input"] for line in path.read_text().splitlines()]
    assert lines and all(first.holds(key) for key in lines)


def test_a_line_in_another_shard_s_file_does_not_count(tmp_path):
    first, second = Shard(1, 2), Shard(2, 2)
    key, foreign = of_shard(first, 1)[0], of_shard(second, 1)[0]
    fresh, stale = Result(key, "done", faces=2), Result(key, "failed", error="Stale.")
    (tmp_path / "results-1of2.jsonl").write_text(fresh.line() + "\n")
    lines = (stale.line(), Result(foreign, "done").line())
    (tmp_path / "results-2of2.jsonl").write_text("\n".join(lines) + "\n")
    for shard in (None, first, second):
        known = Ledger(tmp_path, shard).known
        assert known[key] == fresh and known[foreign].status == "done"
    with Ledger(tmp_path, second) as ledger:
        ledger.compact([key, foreign])
    assert list(read_results(tmp_path / "results-2of2.jsonl")) == [foreign]
    assert key not in (tmp_path / "results-2of2.jsonl").read_text()


@pytest.mark.parametrize("newest", ["results.jsonl", "results-1of2.jsonl"])
def test_the_file_that_was_written_last_counts(tmp_path, newest):
    key = of_shard(Shard(1, 2), 1)[0]
    for name in ("results.jsonl", "results-1of2.jsonl"):
        (tmp_path / name).write_text(Result(key, "done", reference=name).line() + "\n")
        os.utime(tmp_path / name, (2e9, 2e9) if name == newest else (1e9, 1e9))
    assert Ledger(tmp_path).known[key].reference == newest
    assert Ledger(tmp_path, Shard(2, 2)).known[key].reference == newest


def test_what_is_no_news_is_not_written(tmp_path):
    with Ledger(tmp_path) as ledger:
        failed = Result("a.png", "failed", error="No.")
        assert ledger.add(failed) and not ledger.add(failed)
        assert not ledger.add(Result("b.png", "skipped"))
        assert ledger.add(Result("a.png", "failed", error="Again."))
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["error"] for line in lines] == ["No.", "Again."]


def test_a_dry_run_as_json_is_one_object(batch, photos, tmp_path):
    picture(photos / "black.png", 0)
    batch()
    picture(photos / "sub" / "1.png", 9)
    document = json.loads(batch("--dry-run", "--json")[0].out)
    assert document["schema"] == 1 and document["photos"] == 5
    assert (document["new"], document["done"], document["failed"]) == (1, 3, 1)
    states = {row["input"]: row["status"] for row in document["plan"]}
    assert states["sub/1.png"] == "new" and states["black.png"] == "failed"
    assert document["plan"][1]["output"] == str(tmp_path / "out" / "sub" / "0.png")
