"""The page to play with: who is let in, what it takes and gives, and a browser that uses it."""

from __future__ import annotations

import io
import shlex
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import numpy as np
import pytest
from browsing import OWN, TOKEN, Visitor, needs_browser
from fakes import FakePipeline, face_at
from PIL import Image

from hasnet_cli import factory
from hasnet_models import image_io
from hasnet_models.errors import NoFaceError
from hasnet_models.face.choice import FaceChoice

pytest.importorskip("flask")
pytest.importorskip("waitress")
from hasnet_cli.local_site.serving import open_site
from hasnet_cli.ui_site import app as pages
from hasnet_cli.ui_site.turns import PAGES, GivesWay, Turns
from hasnet_cli.ui_site.workshop import PHOTOS, Workshop

ROOT = Path(__file__).parents[1]
AUTO = FaceChoice()


class WithBoxes(FakePipeline):
    """As the fake pipeline; its faces say where they are, and black pictures have none at all."""

    def crops(self, photo, choice=AUTO, like=None):
        if photo.rgb.mean() < 1:
            raise NoFaceError(f"No face found in {photo.name}.")
        return super().crops(photo, choice, like)

    def crop(self, photo, *args):
        aligned, notes = super().crop(photo, *args)
        return replace(aligned, face=face_at(aligned.matrix)), notes


class Player(Visitor):
    """A visitor of the page to play with."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(pages.create_app(workshop, TOKEN))

    def post(self, path: str, headers: dict[str, str] = OWN, **body: object):
        return super().post(f"/{TOKEN}/{path}", headers, **body)

    def drop(self, rgb: np.ndarray, name: str = "me.png"):
        return self.post(f"photo?name={name}", data=png(rgb))

    def make(self, photo: str, **asked: object):
        return self.post(f"photo/{photo}/avatar", json={"domain": "pencil", **asked})

    def file(self, avatar: str) -> bytes:
        return self.get(f"/{TOKEN}/avatar/{avatar}.png").data


def png(rgb: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream.getvalue()


def plain(level: int, height: int = 20, width: int = 24) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def pipeline():
    return WithBoxes()


@pytest.fixture
def visitor(site, pipeline) -> Iterator[Player]:
    site.install("pencil")
    with Workshop(factory.find_domains(), lambda *_: pipeline) as workshop:
        yield Player(workshop)


@pytest.fixture
def photo(visitor) -> str:
    return visitor.drop(plain(200)).json["photo"]


# ------------------------------------------------------------------------------- who is let in


@pytest.mark.parametrize("path", ["/", "/wrong/", f"/{TOKEN}x/domains", "/static/ui.js"])
def test_without_the_token_nothing_is_shown(visitor, path):
    assert visitor.get(path).status_code == HTTPStatus.FORBIDDEN


def test_another_host_or_origin_is_refused(visitor):
    assert visitor.get(f"/{TOKEN}/", "evil.example").status_code == HTTPStatus.MISDIRECTED_REQUEST
    evil = visitor.get(f"/{TOKEN}/domains", Origin="http://evil.example")
    assert evil.status_code == HTTPStatus.FORBIDDEN
    for headers in ({}, {"Origin": "http://evil.example"}, OWN | {"Sec-Fetch-Site": "cross-site"}):
        assert visitor.post("photo", headers, data=b"x").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "path",
    [
        "static/../app.py", "static/%2e%2e/app.py", "photo/../../etc/passwd.jpg",
        "avatar/..%2f..%2fx.png", "photo/x.jpg", "avatar/x.png", "avatar/x/before.jpg",
    ],
)  # fmt: skip
def test_no_file_can_be_asked_for(visitor, path):
    answer = visitor.get(f"/{TOKEN}/{path}")
    assert answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_a_page_takes_nothing_from_elsewhere(visitor):
    answer = visitor.get(f"/{TOKEN}/")
    assert answer.status_code == HTTPStatus.OK
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for name in ("ui.html", "ui.css", "ui.js"):
        folder = "templates" if name.endswith("html") else "static"
        text = (ROOT / "hasnet_cli/ui_site" / folder / name).read_text()
        assert "http" not in text.replace("http://www.w3.org", "")


# --------------------------------------------------------------------------------------- photos


def test_a_photo_is_looked_at_once(visitor, photo, pipeline):
    again = visitor.drop(plain(200))
    assert again.json["photo"] == photo and again.json["width"] == 24
    assert len(again.json["faces"]) == 1  # the one that is taken
    faces = visitor.get(f"/{TOKEN}/photo/{photo}/faces").json["faces"]
    assert len(faces) == 2  # the fake finds one for each ten rows
    shown = visitor.get(f"/{TOKEN}/photo/{photo}.jpg")
    assert image_io.decode(shown.data, Path("p.jpg")).rgb.shape == (20, 24, 3)


def test_names_lose_their_folders(visitor):
    found = visitor.post("photo?name=..%5C..%2Fetc%2Fme.png", data=png(plain(200))).json
    assert found["name"] == "me.png"


@pytest.mark.parametrize(
    "data, said", [(b"text", "picture"), (b"", "picture"), (png(plain(9))[:60], "me.png")]
)
def test_what_is_no_picture_is_one_sentence(visitor, data, said):
    answer = visitor.post("photo?name=me.png", data=data)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.json["error"] or "me.png" in answer.json["error"]


def test_a_picture_that_is_too_large_is_one_sentence(visitor, monkeypatch):
    monkeypatch.setenv("HASNET_MAX_PIXELS", "100")
    answer = visitor.drop(plain(200))
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "me.png" in answer.json["error"]


def test_a_body_that_is_too_large_is_one_sentence(visitor, monkeypatch):
    visitor.client.application.config["MAX_CONTENT_LENGTH"] = 10
    answer = visitor.post("photo", data=b"x" * 11)
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "MB" in answer.json["error"]


def test_a_photo_without_a_face_says_so_and_stays_to_be_seen(visitor):
    found = visitor.drop(plain(0)).json
    assert found["faces"] == [] and "No face" in found["notes"][0]
    assert visitor.make(found["photo"]).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_only_the_last_photos_are_kept(visitor, photo):
    for level in range(PHOTOS):
        visitor.drop(plain(101 + level))
    answer = visitor.make(photo)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and "again" in answer.json["error"]


# ---------------------------------------------------------------------------------------- turns


def at_work(turns: Turns, turn, then) -> threading.Thread:
    """A thread that has the turn when this returns, and ends as soon as `go_on` says so."""
    started = threading.Event()

    def work() -> None:
        try:
            with turn:
                started.set()
                while True:
                    turns.go_on()
                    time.sleep(0.001)
        except GivesWay:
            then()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(10)
    return thread


@pytest.mark.parametrize("thumbnail", [False, True])
def test_whoever_works_gives_way_to_what_is_newer_or_more_urgent(thumbnail):
    turns, left = Turns(), []
    turn = turns.thumbnail() if thumbnail else turns.picture("a", 1)
    worker = at_work(turns, turn, lambda: left.append("left"))
    with turns.picture("a", 2):
        worker.join(10)
        assert left == ["left"]
        turns.go_on()  # the newest one stays


def test_one_works_at_a_time_and_those_that_wait_leave_when_nobody_waits_for_them():
    turns, said = Turns(), []

    def wait(number: int) -> None:
        try:
            with turns.picture("b", number):
                said.append(number)
        except GivesWay:
            said.append(-number)

    with turns.picture("a", 1):
        threads = []
        for number in (1, 2):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            while turns._newest.get("b") != number:
                time.sleep(0.001)
        threads[0].join(10)
        assert said == [-1]  # the second waits for a: another page is never disturbed
    threads[1].join(10)
    assert said == [-1, 2]


def test_pages_that_are_long_gone_are_forgotten():
    turns = Turns()
    for page in range(PAGES + 5):
        with turns.picture(str(page), 3):
            pass
    assert len(turns._newest) == PAGES


# -------------------------------------------------------------------------------------- avatars


def test_the_file_is_the_command_line_s_to_the_bit(visitor, pipeline, run, monkeypatch):
    monkeypatch.setattr(factory, "load_pipeline", lambda *_: pipeline)
    photo = visitor.drop(plain(200)).json["photo"]
    made = visitor.make(photo, size=40, strength=0.5, colour={"hair": "#3060a0"}).json
    Path("me.png").write_bytes(png(plain(200)))
    words = shlex.split(made["command"])
    assert words[:2] == ["hasnet", "avatar"] and "--size 40" in made["command"]
    assert run(*words[1:]).code == 0
    downloaded = visitor.get(f"/{TOKEN}/avatar/{made['avatar']}.png?keep")
    assert made["name"] == words[-1] in downloaded.headers["Content-Disposition"]
    assert Path(words[-1]).read_bytes() == downloaded.data
    assert image_io.read(words[-1]).rgb.shape == (40, 40, 3)


def test_the_networks_run_once_for_what_they_depend_on(visitor, photo, pipeline):
    visitor.make(photo)
    count = len(pipeline.rendered)
    for asked in ({"medium": 0.5}, {"size": 64}, {"medium_kind": "none"}, {"medium": 0.5}):
        assert visitor.make(photo, **asked).status_code == HTTPStatus.OK
    assert len(pipeline.rendered) == count
    visitor.make(photo, shape=0.2)
    assert len(pipeline.rendered) == count + 1


def test_a_face_is_chosen_by_its_number(visitor, photo, pipeline, monkeypatch):
    found = pipeline.crops
    asked = []
    monkeypatch.setattr(pipeline, "crops", lambda *args: asked.append(args[1]) or found(*args))
    made = visitor.make(photo, face="1").json
    assert "--face 1" in made["command"]
    visitor.make(photo, face="2")
    assert [choice.kind for choice in asked] == ["all"]  # looked for once
    answer = visitor.make(photo, face="3")
    assert answer.status_code == HTTPStatus.OK or "3" in answer.json["error"]


def test_a_paste_is_shown_small_and_kept_whole(visitor, run, pipeline, monkeypatch):
    monkeypatch.setattr(factory, "load_pipeline", lambda *_: pipeline)
    large = np.full((1200, 1536, 3), 200, np.uint8)
    photo = visitor.drop(large).json["photo"]
    made = visitor.make(photo, paste=True, medium_kind="none").json
    assert (made["width"], made["height"]) == (1536, 1200)
    view = visitor.get(f"/{TOKEN}/avatar/{made['avatar']}").data
    assert image_io.decode(view, Path("v.jpg")).rgb.shape == (800, 1024, 3)
    Path("me.png").write_bytes(png(large))
    words = shlex.split(made["command"])
    assert run(*words[1:]).code == 0
    assert Path(words[-1]).read_bytes() == visitor.file(made["avatar"])


def test_what_is_shown_is_small_and_the_file_is_written_when_asked_for(visitor, photo):
    made = visitor.make(photo, size=2048).json
    shown = visitor.get(f"/{TOKEN}/avatar/{made['avatar']}")
    assert shown.mimetype == "image/jpeg" and made["width"] == 2048
    assert "--size 2048" in made["command"]
    assert image_io.decode(shown.data, Path("v.jpg")).rgb.shape == (1024, 1024, 3)
    assert image_io.decode(visitor.file(made["avatar"]), Path("v.png")).rgb.shape[0] == 2048
    clear = visitor.make(photo, background="transparent").json
    shown = visitor.get(f"/{TOKEN}/avatar/{clear['avatar']}")
    assert shown.mimetype == "image/png"
    assert image_io.decode(shown.data, Path("v.png")).alpha is not None


def test_a_change_that_is_older_gives_way(visitor, photo, pipeline):
    newest = f"photo/{photo}/avatar?page=a&turn=2"
    assert visitor.post(newest, json={"domain": "pencil"}).status_code == HTTPStatus.OK
    count = len(pipeline.rendered)
    late = visitor.post(f"photo/{photo}/avatar?page=a&turn=1", json={"domain": "pencil"})
    assert late.status_code == HTTPStatus.NO_CONTENT and len(pipeline.rendered) == count
    other = visitor.post(f"photo/{photo}/avatar?page=b&turn=1", json={"domain": "pencil"})
    assert other.status_code == HTTPStatus.OK


def test_two_tabs_get_their_own(visitor, photo):
    other = visitor.drop(plain(150), "other.png").json["photo"]
    answers = {}

    def tab(key: str) -> None:
        answers[key] = visitor.make(key, size=32).json

    threads = [threading.Thread(target=tab, args=(key,)) for key in (photo, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[photo]["name"] == "me-pencil.png"
    assert answers[other]["name"] == "other-pencil.png"


def test_the_example_is_the_portrait_that_comes_with_hasnet(visitor):
    answer = visitor.get(f"/{TOKEN}/example.jpg")
    assert image_io.decode(answer.data, Path("x.jpg")).rgb.shape == (512, 512, 3)


def test_a_small_avatar_for_the_gallery(visitor, photo):
    answer = visitor.get(f"/{TOKEN}/photo/{photo}/thumb.jpg?domain=pencil&face=auto")
    assert image_io.decode(answer.data, Path("x.jpg")).rgb.shape == (160, 160, 3)


@pytest.mark.parametrize("folder", ["./pencil", "/tmp", "~/pencil"])
def test_a_domain_is_never_a_folder_of_this_machine(visitor, photo, folder):
    answer = visitor.make(photo, domain=folder)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.json["error"].startswith("Here a domain is an installed one.")
    assert visitor.get(f"/{TOKEN}/photo/{photo}/thumb.jpg?domain={folder}").status_code >= 400


@pytest.mark.parametrize(
    "asked",
    [
        {"domain": "pencl"}, {"domain": None}, {"reference": "99"}, {"strength": 7},
        {"strength": "x"}, {"size": 5}, {"size": 10**6}, {"colour": {"nose": "#fff"}},
        {"colour": {"hair": "greenish"}}, {"colour": 3}, {"keep": "skin"}, {"keep": ["nose"]},
        {"face": "like:/etc/passwd"}, {"background": "/etc/passwd"},
        {"background": "x.png"}, {"shape": True}, {"medium_kind": "soup"}, {"domain": 5},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(visitor, photo, asked):
    answer = visitor.make(photo, **asked)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.json["error"] and "Traceback" not in answer.json["error"]
    assert "root:" not in str(answer.json)


def test_domains_are_told_with_their_colours(visitor):
    (domain,) = visitor.get(f"/{TOKEN}/domains").json["domains"]
    assert domain["name"] == "pencil" and len(domain["references"][0]["colours"]) == 20


def test_a_port_in_use_is_one_sentence(run, site):
    site.install("pencil")
    taken = open_site(lambda _token: type("App", (), {"config": {}})(), 0)
    try:
        port = taken.address.split(":")[2].split("/")[0]
        result = run("ui", "--no-open", "--port", port)
    finally:
        taken.close()
    assert result.code == 2 and "in use" in result.err


# -------------------------------------------------------------------------------------- browser


def until(driver, script: str, seconds: float = 60.0) -> object:
    """What the script gives as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := driver.execute_script(f"return {script}"):
            return found
        time.sleep(0.1)
    raise AssertionError(f"never true: {script}")


def change(driver, element: str, value: object, event: str = "change") -> None:
    driver.execute_script(
        "const one = document.getElementById(arguments[0]); one.value = arguments[1];"
        "one.dispatchEvent(new Event(arguments[2]))", element, value, event,
    )  # fmt: skip


@pytest.mark.slow
@needs_browser
def test_a_browser_uploads_chooses_slides_colours_and_downloads(
    site, networks, browser, tmp_path, run, monkeypatch
):
    site.install("pencil")
    site.install("chalk")
    monkeypatch.setattr(factory, "load_pipeline", lambda *_: networks)
    made = "document.getElementById('avatar-part').dataset.made"
    example = ROOT / "examples" / "astronaut.png"
    with Workshop(factory.find_domains(), lambda *_: networks) as workshop:
        web = open_site(lambda token: pages.create_app(workshop, token), 0, pages.MOST_BYTES)
        threading.Thread(target=web.run, daemon=True).start()
        browser.get(web.address)
        until(browser, "document.querySelectorAll('#worlds .card.drawn img').length == 2")
        (tmp_path / "note.png").write_text("no picture")
        upload = browser.find_element("id", "file")
        upload.send_keys(str(tmp_path / "note.png"))
        until(browser, "document.getElementById('problem').textContent")
        upload.send_keys(str(example))
        last = until(browser, made)
        assert not browser.execute_script("return document.getElementById('problem').textContent")
        for act in (
            lambda: browser.execute_script("document.querySelector('[value=pencil]').click()"),
            lambda: change(browser, "strength", 0.4, "input"),
            lambda: change(browser, "zone-hair", "#3060a0"),
        ):
            act()
            last = until(browser, f"{made} != '{last}' && {made}")
        command = browser.execute_script("return document.getElementById('command').textContent")
        assert "--strength 0.4" in command and "hair=#3060a0" in command
        browser.find_element("id", "download").click()
        name = shlex.split(command)[-1]
        downloaded = tmp_path / "downloads" / name
        end = time.monotonic() + 30
        while not downloaded.exists() and time.monotonic() < end:
            time.sleep(0.1)
        shutil.copy(example, example.name)
        assert run(*shlex.split(command)[1:]).code == 0
        assert downloaded.read_bytes() == Path(name).read_bytes()
        assert [one for one in browser.get_log("browser") if "422" not in one["message"]] == []
        web.close()
