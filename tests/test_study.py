"""The study without its pages: what is scored, the file of scores, Table 1, and `hasnet study`."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hasnet_models import image_io
from hasnet_models.errors import ImageError, UsageError
from hasnet_models.study.answers import Answer, AnsweredMeanwhile, Answers, read_answers
from hasnet_models.study.items import Item, checked_participant, read_study, study_folders
from hasnet_models.study.table import table

ROLES = ("source", "reference", "good", "bad")


def make_study(folder: Path, samples: int = 3, roles: tuple[str, ...] = ROLES) -> Path:
    """Folders of plain pictures, those of a role in one shade."""
    for shade, role in enumerate(roles, 1):
        for i in range(samples):
            (folder / role).mkdir(parents=True, exist_ok=True)
            pixels = np.full((32, 32, 3), 40 * shade + i, np.uint8)
            image_io.write(pixels, folder / role / f"s{i}.png")
    return folder


@pytest.fixture
def pictures(tmp_path):
    return make_study(tmp_path / "study")


def study_of(folder: Path, **options):
    return read_study(*study_folders(folder), **options)


def answer(who: str, sample: str, system: str, *scores: int) -> Answer:
    return Answer(who, Item(sample, system), scores)


def test_every_participant_has_an_order_of_their_own_that_stays(pictures):
    study = study_of(pictures)
    orders = {who: study.order(who) for who in ("anna", "ben", "cleo", "dora")}
    assert all(sorted(order) == sorted(study.results) for order in orders.values())
    assert len(set(orders.values())) > 1
    assert study_of(pictures).order("anna") == orders["anna"]
    assert any(study_of(pictures, seed=1).order(who) != orders[who] for who in orders)


def test_a_sample_is_known_by_its_stem_whatever_the_suffix(pictures):
    picture = image_io.read(pictures / "good" / "s0.png").rgb
    image_io.write(picture, pictures / "good" / "s0.jpg")
    (pictures / "good" / "s0.png").unlink()
    assert study_of(pictures).results[Item("s0", "good")].name == "s0.jpg"


@pytest.mark.parametrize("role", ROLES)
def test_folders_that_differ_are_named_and_refused(pictures, role):
    (pictures / role / "s1.png").unlink()
    with pytest.raises(UsageError, match=rf"differ: \S*{role} lacks s1"):
        study_of(pictures)


def test_what_all_folders_have_can_be_taken(pictures):
    (pictures / "good" / "s1.png").unlink()
    said: list[str] = []
    study = study_of(pictures, common=True, say=said.append)
    assert {item.sample for item in study.results} == {"s0", "s2"} and "good lacks s1" in said[0]


def test_nothing_in_common_is_refused(pictures):
    for i in range(3):
        (pictures / "bad" / f"s{i}.png").rename(pictures / "bad" / f"t{i}.png")
    with pytest.raises(UsageError, match="differ"):
        study_of(pictures, common=True)


def test_two_systems_of_one_name_are_refused(pictures, tmp_path):
    shutil.copytree(pictures / "good", tmp_path / "other" / "good")
    systems = [pictures / "good", tmp_path / "other" / "good"]
    with pytest.raises(UsageError, match="2 systems are called good"):
        read_study(systems, pictures / "source", pictures / "reference")


@pytest.mark.parametrize("name", ["anna", "p-01", "A.B_c", "7", "  anna "])
def test_names_of_participants(name):
    assert checked_participant(name) == name.strip()


@pytest.mark.parametrize("name", ["", "=1+1", "../x", "a/b", "ä", "-x", "a b", "x" * 41, "a\n"])
def test_names_that_no_address_or_table_can_hold(name):
    if name == "a\n":
        assert checked_participant(name) == "a"
        return
    with pytest.raises(UsageError):
        checked_participant(name)


def test_answers_are_kept_and_the_last_one_counts(tmp_path):
    path = tmp_path / "a.csv"
    answers = Answers(path)
    answers.add(answer("anna", "s,1", 'x "y"', 1, 2, 3, 4), None)
    answers.add(answer("anna", "s,1", 'x "y"', 10, 9, 8, 7), (1, 2, 3, 4))
    answers.add(answer("ben", "s,1", 'x "y"', 5, 5, 5, 5), None)
    assert Answers(path).of("anna") == {Item("s,1", 'x "y"'): (10, 9, 8, 7)}
    assert len(list(csv.reader(path.open()))) == 4


def test_another_tab_is_not_written_over(tmp_path):
    answers = Answers(tmp_path / "a.csv")
    answers.add(answer("anna", "s", "x", 1, 1, 1, 1), None)
    before = answers.path.read_bytes()
    for seen in (None, (2, 2, 2, 2)):
        with pytest.raises(AnsweredMeanwhile):
            answers.add(answer("anna", "s", "x", 9, 9, 9, 9), seen)
    assert answers.path.read_bytes() == before


def test_of_many_tabs_at_once_one_is_first(tmp_path):
    answers, late = Answers(tmp_path / "a.csv"), []

    def tab(score: int) -> None:
        try:
            answers.add(answer("anna", "s", "x", score, score, score, score), None)
        except AnsweredMeanwhile as error:
            late.append(error)

    tabs = [threading.Thread(target=tab, args=(score,)) for score in range(1, 9)]
    for one in tabs:
        one.start()
    for one in tabs:
        one.join()
    assert len(late) == 7 and len(answers.path.read_text().splitlines()) == 2


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_line_is_passed_over_and_the_next_is_whole(tmp_path, cut):
    answers = Answers(tmp_path / "a.csv")
    answers.add(answer("anna", "s1", "x", 10, 10, 10, 10), None)
    answers.add(answer("anna", "s2", "x", 10, 10, 10, 10), None)
    answers.path.write_bytes(answers.path.read_bytes()[:-cut])
    answers.add(answer("anna", "s3", "x", 7, 7, 7, 7), None)
    found = answers.of("anna")
    assert found[Item("s1", "x")] == (10,) * 4 and found[Item("s3", "x")] == (7,) * 4
    assert found.get(Item("s2", "x"), (10,) * 4) == (10,) * 4


@pytest.mark.parametrize("scores", [(0, 1, 1, 1), (1, 1, 1, 11), (1, 1, 1), (1,) * 5])
def test_scores_out_of_range_are_not_written(tmp_path, scores):
    answers = Answers(tmp_path / "a.csv")
    before = answers.path.read_bytes()
    with pytest.raises(UsageError):
        answers.add(answer("anna", "s", "x", *scores), None)
    assert answers.path.read_bytes() == before


def test_a_full_disk_leaves_the_file_as_it_was(small_disk):
    answers = Answers(small_disk / "a.csv")
    answers.add(answer("anna", "s1", "x", 1, 2, 3, 4), None)
    filling = small_disk / "filling"
    with filling.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 512)
    # the page of the file that holds the first answers takes a few more
    with pytest.raises(ImageError, match="cannot be written"):
        for i in range(1000):
            before = answers.path.read_bytes()
            answers.add(answer("anna", f"t{i}" + "y" * 200, "x", 1, 2, 3, 4), None)
    assert answers.path.read_bytes() == before
    filling.unlink()
    answers.add(answer("anna", "s3", "x", 4, 4, 4, 4), None)
    assert answers.of("anna")[Item("s3", "x")] == (4,) * 4


def test_another_table_is_not_added_to(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,age\nanna,30\n")
    with pytest.raises(UsageError, match="no file of answers"):
        Answers(path)
    assert path.read_text() == "name,age\nanna,30\n"


def test_the_means_of_the_table():
    given = [
        answer("a", "s", "x", 1, 2, 3, 4), answer("a", "t", "x", 3, 4, 5, 6),
        answer("a", "s", "y", 9, 9, 9, 9), answer("b", "s", "y", 7, 7, 7, 7),
    ]  # fmt: skip
    rows = table(given)
    assert [(row.system, row.answers) for row in rows] == [("y", 2), ("x", 2)]
    assert [scale.mean for scale in rows[1].scales] == [2, 3, 4, 5]
    assert all(s.low <= s.mean <= s.high for row in rows for s in row.scales)
    assert table(given) == rows


def test_no_spread_gives_no_width_and_one_answer_no_interval():
    same = [answer(who, s, "x", 5, 5, 5, 5) for who in "abc" for s in "st"]
    assert {(s.low, s.high) for s in table(same)[0].scales} == {(5.0, 5.0)}
    assert {(s.low, s.high) for s in table(same[:1])[0].scales} == {(None, None)}


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    """60 studies with effects of people and of samples; intervals from the scores alone hold 28."""
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        people, samples = rng.normal(0, 1, 10), rng.normal(0, 1, 10)
        scores = 5.5 + people[:, None] + samples + rng.normal(0, 0.5, (10, 10))
        whole = np.clip(scores.round(), 1, 10).astype(int)
        given = [
            answer(f"p{p}", f"s{s}", "x", *[int(whole[p, s])] * 4)
            for p in range(10)
            for s in range(10)
        ]
        found = table(given, draws=200)[0].scales[0]
        held += found.low <= 5.5 <= found.high
    assert held >= 51


def test_a_table_of_nothing_is_refused():
    with pytest.raises(UsageError, match="no answers"):
        table([])


def report_of(path: Path) -> Path:
    answers = Answers(path)
    for who, more in (("anna", 0), ("ben", 1)):
        for sample in ("s0", "s1"):
            answers.add(answer(who, sample, "good", 9, 8, 7 + more, 9), None)
            answers.add(answer(who, sample, "bad", 2, 3, 4, 1 + more), None)
    return path


def test_the_report(run, tmp_path):
    path = report_of(tmp_path / "a.csv")
    code, out, err = run("study", "report", path)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and lines[0] == [
        "system", "answers", "Topology", "Content", "Colour", "Preference"
    ]  # fmt: skip
    assert lines[1][:3] == ["good", "4", "9.0"] and lines[2][0] == "bad"
    assert "2 participants, 2 samples" in err
    found = json.loads(run("study", "report", path, "--json").out)
    assert found["systems"][1]["preference"] == {"mean": 1.5, "low": 1.0, "high": 2.0}


@pytest.mark.parametrize("case", ["missing.csv", "empty.csv", "other.csv"])
def test_a_report_of_nothing_is_2(run, case):
    if case == "empty.csv":
        Answers(Path(case))
    if case == "other.csv":
        Path(case).write_bytes(b"\xff\xfe\x00not a table")
    assert run("study", "report", case).code == 2


def test_the_last_answer_counts_across_the_whole_file(tmp_path):
    path = report_of(tmp_path / "a.csv")
    Answers(path).add(answer("anna", "s0", "bad", 10, 10, 10, 10), (2, 3, 4, 1))
    assert len(read_answers(path)) == 8


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["nowhere"], "no folders 'source' and 'reference'"),
        (["study/good", "study/bad"], "needs the sources and the references"),
        (["empty", "--sources", "study/source", "--references", "study/reference"], "no pictures"),
        (["study/good", "--sources", "gone", "--references", "study/reference"], "no folder gone"),
        (["study", "--output", "gone/a.csv"], "cannot be written"),
        (["broken"], "broken.png"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_said_before_any_page(run, tmp_path, args, sentence):
    pytest.importorskip("flask")
    make_study(Path("study"))
    make_study(Path("broken"), samples=1)
    for role in ROLES:
        image_io.write(np.zeros((32, 32, 3), np.uint8), Path("broken") / role / "broken.png")
    (Path("broken") / "bad" / "broken.png").write_bytes(b"junk")
    Path("empty").mkdir()
    code, out, err = run("study", *args)
    assert code in (1, 2) and not out and sentence in err


def test_a_port_in_use_is_2(run):
    pytest.importorskip("flask")
    serving = pytest.importorskip("hasnet_cli.local_site.serving")
    make_study(Path("study"))
    site = serving.open_site(lambda _token: SimpleNamespace(config={}))
    try:
        port = site.address.split(":")[2].split("/")[0]
        code, _, err = run("study", "study", "--port", port)
        assert code == 2 and f"Port {port} is in use" in err and "--port" in err
    finally:
        site.close()


def test_without_its_packages_the_extra_is_named(run, monkeypatch):
    from hasnet_cli.local_site import serving

    monkeypatch.setattr(serving, "_PACKAGES", ("no_such_package",))
    code, _, err = run("study", "study")
    assert code == 2 and "no_such_package" in err and "hasnet[study]" in err
