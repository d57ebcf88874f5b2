"""The same batch over a local Ray of two processes."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
from fakes import picture

from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import Request
from hasnet_models.batch import Engine, Plan, Settings, checked_items
from hasnet_models.errors import UsageError

TESTS = Path(__file__).parent


def fake_job(request: Request) -> Job:
    """A job without networks, in whichever process."""
    from fakes import FakePipeline

    from hasnet_models.plugins import Registry

    nothing = Registry((), ())
    return Job.start(request, nothing, lambda *_: FakePipeline(), lambda note: None)


def dying_job(marker: Path, request: Request) -> Job:
    """The first process to start it is killed at its first face."""
    job = fake_job(request)
    crops = job.pipeline.crops

    def dies_once(*args):
        if not marker.exists():
            marker.touch()
            os._exit(9)
        return crops(*args)

    job.pipeline.crops = dies_once
    return job


@pytest.fixture
def request_(tmp_path):
    return Request(ref=str(picture(tmp_path / "ref.png", 90)), domain="none")


@pytest.fixture
def work(tmp_path):
    for i in range(30):
        picture(tmp_path / "photos" / f"d{i % 3}" / f"{i}.png", 160 + i if i % 10 else 0)
    return Plan(tmp_path / "photos", tmp_path / "out")


def test_without_ray_one_sentence_says_what_to_install(monkeypatch):
    import sys

    from hasnet_models.batch.ray import connected

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match="needs Ray") as caught:
        connected()
    assert "hasnet[ray]" in caught.value.hint


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    old = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS.parent), old])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()
    os.environ["PYTHONPATH"] = old


def ray_engine(request, work, known, settings=None, start=fake_job, workers=2):
    from hasnet_models.batch.ray import RayEngine

    begin = functools.partial(start, request)
    return RayEngine(begin, work.out, known, lambda note: None, settings or Settings(), workers)


def plain(results):
    return {one.input: (one.status, one.outputs, one.error, one.parameters) for one in results}


def test_it_gives_what_one_machine_gives(cluster, request_, work, tmp_path):
    items = checked_items(work)
    here, there, again = [], [], []
    Engine(fake_job(request_), work.out, {}, lambda note: None).run(items, here.append)
    elsewhere = Plan(work.folder, tmp_path / "other")
    ray_engine(request_, elsewhere, {}).run(checked_items(elsewhere), there.append)
    assert plain(here) == plain(there)
    assert {one.status for one in there} == {"done", "failed"} and len(there) == 30
    assert there[0].output is None or there[0].output.startswith(str(elsewhere.out))
    known = {one.input: one for one in there}
    ray_engine(request_, elsewhere, known).run(checked_items(elsewhere, known), again.append)
    assert [one.status for one in again].count("skipped") == 27
    assert all(known[one.input] is one for one in again if one.status == "failed")


def test_stop_at_the_first_failure(cluster, request_, work):
    results = []
    engine = ray_engine(request_, work, {}, Settings(stop=True), workers=1)
    engine.run(checked_items(work), results.append)
    assert any(one.status == "failed" for one in results) and len(results) < 30


def test_an_actor_that_dies_is_replaced(cluster, request_, work, tmp_path):
    results = []
    start = functools.partial(dying_job, tmp_path / "marker")
    ray_engine(request_, work, {}, start=start).run(checked_items(work), results.append)
    assert (tmp_path / "marker").exists() and len(results) == 30


def test_the_command_line_hands_its_request_over(cluster, request_, work, run, monkeypatch):
    """Actors start the job anew, so the option has to reach them as the user gave it."""
    from hasnet_cli import start

    monkeypatch.setattr(start, "start_on_worker", fake_job)
    monkeypatch.setattr(start, "start_job", lambda request, terminal: fake_job(request))
    args = ("batch", work.folder, "--ref", request_.ref, "--domain", "none", "-o", work.out)
    result = run(*args, "--engine", "ray", "--workers", "2")
    assert result.code == 3 and "27 of 30" in result.err
    again = run(*args, "--engine", "ray", "--workers", "1")
    assert "27 of them by an earlier run" in again.err
    assert "--retry-failed tries again" in again.err
