"""The pages of the study: who is let in, what is kept, and a browser that does it all by keys."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import numpy as np
import pytest
from browsing import OWN, TOKEN, Visitor, needs_browser
from test_study import make_study, study_of

from hasnet_models import image_io
from hasnet_models.errors import ImageError
from hasnet_models.study.answers import Answers

pytest.importorskip("flask")
pytest.importorskip("waitress")
from hasnet_cli.local_site.serving import Site, open_site
from hasnet_cli.study_site import app as pages

SCORES = {"topology": "7", "content": "8", "colour": "9", "preference": "10", "seen": ""}


class Participant(Visitor):
    """A visitor of the study."""

    def __init__(self, folder: Path) -> None:
        self.study = study_of(folder)
        self.answers = Answers(folder / "a.csv")
        super().__init__(pages.create_app(self.study, self.answers, TOKEN))

    def post(self, path: str, form: dict[str, str], headers: dict[str, str] = OWN):
        return super().post(path, headers, data=form)


@pytest.fixture
def visitor(tmp_path):
    return Participant(make_study(tmp_path / "study"))


def test_the_first_pages(visitor):
    assert b"6 results" in visitor.get(f"/{TOKEN}/").data
    begun = visitor.post(f"/{TOKEN}/", {"participant": "anna"})
    assert begun.status_code == HTTPStatus.SEE_OTHER
    first = visitor.get(visitor.get(begun.location).location)
    assert b"Result 1" in first.data and first.data.count(b'type="radio"') == 40


def test_a_name_that_will_not_do_is_explained(visitor):
    answer = visitor.post(f"/{TOKEN}/", {"participant": "<b>"})
    assert answer.status_code == HTTPStatus.BAD_REQUEST and b'role="alert"' in answer.data
    assert b'value="&lt;b&gt;"' in answer.data and b"<b>&" not in answer.data


@pytest.mark.parametrize("path", ["/", "/wrong/", f"/{TOKEN}x/", f"//{TOKEN}/", "/favicon.ico"])
def test_without_the_token_nothing_is_shown(visitor, path):
    answer = visitor.get(path)
    assert answer.status_code == HTTPStatus.FORBIDDEN and TOKEN.encode() not in answer.data


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1:8001"])
def test_another_host_is_refused(visitor, host):
    assert visitor.get(f"/{TOKEN}/", host).status_code == HTTPStatus.MISDIRECTED_REQUEST


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8001"])
def test_another_origin_is_refused(visitor, origin):
    assert visitor.get(f"/{TOKEN}/", Origin=origin).status_code == HTTPStatus.FORBIDDEN
    answer = visitor.post(f"/{TOKEN}/of/anna/1", SCORES, {"Origin": origin})
    assert answer.status_code == HTTPStatus.FORBIDDEN and not visitor.answers.of("anna")


def test_a_form_from_nowhere_or_of_another_site_is_refused(visitor):
    for headers in ({}, OWN | {"Sec-Fetch-Site": "cross-site"}):
        answer = visitor.post(f"/{TOKEN}/of/anna/1", SCORES, headers)
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not visitor.answers.of("anna")


@pytest.mark.parametrize(
    "path",
    [
        "of/anna/1/../../../../etc/passwd", "of/anna/1/%2e%2e%2fsource.png", "static/../app.py",
        "static/%2e%2e/app.py", "of/anna/0", "of/anna/7", "of/anna/1/good.png", "of/=x/1",
        "of/anna/1/reference", "a.csv",
    ],
)  # fmt: skip
def test_no_file_can_be_asked_for(visitor, path):
    assert visitor.get(f"/{TOKEN}/{path}").status_code == HTTPStatus.NOT_FOUND


def test_the_pictures_of_an_item_name_no_system(visitor):
    place = 1 + visitor.study.order("anna").index(next(iter(visitor.study.results)))
    item = visitor.study.order("anna")[place - 1]
    path = visitor.study.results[item]
    pixels = image_io.read(path).rgb
    image_io.write(pixels, path, metadata={"system": item.system})
    answer = visitor.get(f"/{TOKEN}/of/anna/{place}/result.png")
    assert np.array_equal(image_io.decode(answer.data, Path("x.png")).rgb, pixels)
    text = visitor.get(f"/{TOKEN}/of/anna/{place}").data + answer.data
    for word in (item.system, item.sample, str(path.parent)):
        assert not re.search(rb"\b" + word.encode() + rb"\b", text)


def test_scores_are_kept_and_the_next_open_item_follows(visitor):
    answer = visitor.post(f"/{TOKEN}/of/anna/2", SCORES)
    assert visitor.answers.of("anna") == {visitor.study.order("anna")[1]: (7, 8, 9, 10)}
    assert visitor.get(answer.location).location.endswith("/of/anna/1")
    assert b'value="8"\n  aria-describedby="of-content"\n  checked' in visitor.get(
        f"/{TOKEN}/of/anna/2"
    ).data.replace(b" required", b"")


def test_after_the_last_there_is_thanks(visitor):
    for place in range(1, 7):
        answer = visitor.post(f"/{TOKEN}/of/anna/{place}", SCORES)
    assert b"Thank you, anna" in visitor.get(answer.location).data


@pytest.mark.parametrize(
    "wrong", [{"colour": ""}, {"colour": "11"}, {"colour": "x"}, {"seen": "x"}]
)
def test_scores_that_are_none_are_asked_for_again(visitor, wrong):
    answer = visitor.post(f"/{TOKEN}/of/anna/1", SCORES | wrong)
    assert answer.status_code == HTTPStatus.BAD_REQUEST and b'role="alert"' in answer.data
    assert not visitor.answers.of("anna")


def test_a_second_tab_goes_on_without_writing_over_the_first(visitor):
    visitor.post(f"/{TOKEN}/of/anna/1", SCORES)
    late = visitor.post(f"/{TOKEN}/of/anna/1", SCORES | {"topology": "1"})
    shown = visitor.get(visitor.get(late.location).location)
    assert b"another tab" in shown.data and b"Result 2" in shown.data
    assert set(visitor.answers.of("anna").values()) == {(7, 8, 9, 10)}
    visitor.post(f"/{TOKEN}/of/anna/1", SCORES | {"topology": "1", "seen": "7 8 9 10"})
    assert set(visitor.answers.of("anna").values()) == {(1, 8, 9, 10)}


def test_what_cannot_be_kept_is_said(visitor, monkeypatch):
    def full(*_args: object) -> None:
        raise ImageError("The answers cannot be written: a.csv: No space left on device.")

    monkeypatch.setattr(visitor.answers, "add", full)
    answer = visitor.post(f"/{TOKEN}/of/anna/1", SCORES)
    assert answer.status_code == HTTPStatus.INSUFFICIENT_STORAGE and b"No space left" in answer.data


def test_large_forms_are_refused(visitor):
    answer = visitor.post(f"/{TOKEN}/", {"participant": "x" * 10_000})
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Person:
    """Somebody at a browser who never touches the mouse."""

    def __init__(self, driver) -> None:
        self.driver = driver

    def type(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def go_on(self, title: str) -> None:
        """Press Enter; the page with that title follows."""
        from selenium.webdriver.support.ui import WebDriverWait

        self.type("\ue007")
        WebDriverWait(self.driver, 20).until(lambda driver: driver.title == title)

    @property
    def chosen(self) -> dict[str, int]:
        marks = "document.querySelectorAll('input:checked')"
        pairs = self.driver.execute_script(f"return [...{marks}].map(m => [m.name, m.value])")
        return {name: int(value) for name, value in pairs}

    @property
    def row(self) -> str:
        return self.driver.execute_script("return document.activeElement.name")


@pytest.fixture
def serve(tmp_path) -> Iterator:
    """Begins to serve the study, again and again as after a restart."""
    folder, sites = make_study(tmp_path / "study", samples=1), []

    def start() -> Site:
        answers = Answers(tmp_path / "a.csv")
        site = open_site(lambda token: pages.create_app(study_of(folder), answers, token))
        sites.append(site)
        threading.Thread(target=site.run, daemon=True).start()
        return site

    yield start
    for site in sites:
        site.close()


@pytest.mark.slow
@needs_browser
def test_a_browser_does_the_study_by_keys_alone(serve, browser, tmp_path):
    person, answers = Person(browser), Answers(tmp_path / "a.csv")
    browser.get(serve().address)
    person.type("anna")
    person.go_on("Result 1 of 2")
    script = "return [...document.images].map(image => image.naturalWidth)"
    assert browser.execute_script(script) == [32, 32, 32]

    assert person.row == "topology"
    person.type("7", "0")
    assert person.chosen == {"topology": 7, "content": 10} and person.row == "colour"
    person.type("\ue013", "\ue012", "\ue012")  # up, left, left
    assert person.chosen == {"topology": 7, "content": 8} and person.row == "content"
    browser.refresh()
    assert person.chosen == {"topology": 7, "content": 8} and person.row == "colour"

    person.type("\ue007")  # Enter, too early
    assert browser.title == "Result 1 of 2" and person.row == "colour" and not answers.of("anna")
    person.type("3", "4")
    person.go_on("Result 2 of 2")
    assert list(answers.of("anna").values()) == [(7, 8, 3, 4)]

    browser.get(serve().address)  # a restart: another port, another token
    person.type("anna")
    person.go_on("Result 2 of 2")
    person.type("1", "2", "3", "4")
    person.go_on("Thank you")
    assert sorted(answers.of("anna").values()) == [(1, 2, 3, 4), (7, 8, 3, 4)]
    assert browser.get_log("browser") == []
