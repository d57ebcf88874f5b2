"""The pages of the study.

Addresses hold a participant and the position of an item in the participant's own order, so that
neither a system's name nor a file's path is ever in the browser, and none can be asked for.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from hasnet_cli.local_site.guard import guard
from hasnet_models import image_io
from hasnet_models.errors import ImageError, UsageError
from hasnet_models.study.answers import Answer, AnsweredMeanwhile, Answers
from hasnet_models.study.items import REFERENCES, SOURCES, Study, checked_participant
from hasnet_models.study.scales import HIGHEST, LOWEST, SCALES

RESULT = "result"
ROLES = (SOURCES, REFERENCES, RESULT)
MEANWHILE = "meanwhile"
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MOST_BYTES = 4096  # of a form
_PICTURES_KEPT = 32


def create_app(study: Study, answers: Answers, token: str) -> flask.Flask:
    """The web application; its `config["HOST"]` is to be set to the server's host:port."""
    app = flask.Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    guard(app, token, POLICY)
    app.register_error_handler(HTTPException, _error_page)
    app.register_error_handler(ImageError, _not_kept)
    app.register_blueprint(_pages(Pages(study, answers)), url_prefix=f"/{token}")
    return app


class Pages:
    """What the pages show, of one study and its answers."""

    def __init__(self, study: Study, answers: Answers) -> None:
        self.study = study
        self.answers = answers
        self.picture = lru_cache(_PICTURES_KEPT)(_png)

    def welcome(self, problem: str = "") -> str:
        """Explains the task and asks for a name, again where that will not do."""
        values = {"scales": SCALES, "count": len(self.study.results), "problem": problem}
        return flask.render_template(
            "welcome.html", given=flask.request.form.get("participant", ""), **values
        )

    def begin(self) -> flask.typing.ResponseReturnValue:
        """From the name to the first item that is open."""
        try:
            name = checked_participant(flask.request.form.get("participant", ""))
        except UsageError as error:
            return self.welcome(str(error)), HTTPStatus.BAD_REQUEST
        return flask.redirect(flask.url_for(".next_item", who=name), HTTPStatus.SEE_OTHER)

    def next_item(self, who: str) -> flask.typing.ResponseReturnValue:
        """The first item without scores, or the end."""
        items, known = self._order(who), self.answers.of(who)
        place = next((i for i, item in enumerate(items, 1) if item not in known), None)
        if place is None:
            return flask.render_template("done.html", who=who, count=len(items))
        note = flask.request.args.get("note")
        url = flask.url_for(".item", who=who, place=place, note=note)
        return flask.redirect(url, HTTPStatus.SEE_OTHER)

    def item(self, who: str, place: int) -> flask.typing.ResponseReturnValue:
        """One item with its four questions."""
        return self._item_page(who, place)

    def score(self, who: str, place: int) -> flask.typing.ResponseReturnValue:
        """Keep the scores of an item and go on."""
        item, form = self._at(who, place), flask.request.form
        try:
            scores = tuple(int(form[scale.name]) for scale in SCALES)
            seen = [int(word) for word in form.get("seen", "").split()] or None
            self.answers.add(Answer(who, item, scores), seen)
        except AnsweredMeanwhile:
            url = flask.url_for(".next_item", who=who, note=MEANWHILE)
            return flask.redirect(url, HTTPStatus.SEE_OTHER)
        except (KeyError, ValueError, UsageError):
            problem = "Each question needs a score."
            return self._item_page(who, place, problem), HTTPStatus.BAD_REQUEST
        return flask.redirect(flask.url_for(".next_item", who=who), HTTPStatus.SEE_OTHER)

    def image(self, who: str, place: int, role: str) -> flask.Response:
        """A picture of an item, encoded anew, so that nothing in it names its system."""
        item = self._at(who, place)
        files = {
            SOURCES: self.study.sources[item.sample],
            REFERENCES: self.study.references[item.sample],
            RESULT: self.study.results[item],
        }
        if role not in files:
            flask.abort(HTTPStatus.NOT_FOUND)
        return flask.Response(self.picture(files[role]), mimetype="image/png")

    def _item_page(self, who: str, place: int, problem: str = "") -> str:
        items, known = self._order(who), self.answers.of(who)
        given = known.get(self._at(who, place), ())
        values: dict[str, Any] = {
            "who": who, "place": place, "count": len(items), "roles": ROLES, "given": given,
            "scored": sum(item in known for item in items), "problem": problem,
            "scales": SCALES, "range": range(LOWEST, HIGHEST + 1),
            "meanwhile": flask.request.args.get("note") == MEANWHILE,
        }  # fmt: skip
        return flask.render_template("item.html", **values)

    def _order(self, who: str) -> tuple[Any, ...]:
        try:
            return self.study.order(checked_participant(who))
        except UsageError:
            flask.abort(HTTPStatus.NOT_FOUND)

    def _at(self, who: str, place: int) -> Any:
        items = self._order(who)
        if not 1 <= place <= len(items):
            flask.abort(HTTPStatus.NOT_FOUND)
        return items[place - 1]


def _pages(pages: Pages) -> flask.Blueprint:
    """The addresses, all below the token."""
    found = flask.Blueprint("study", __name__, static_folder="static")
    found.add_url_rule("/", view_func=pages.welcome)
    found.add_url_rule("/", view_func=pages.begin, methods=["POST"])
    found.add_url_rule("/of/<who>", view_func=pages.next_item)
    found.add_url_rule("/of/<who>/<int:place>", view_func=pages.item)
    found.add_url_rule("/of/<who>/<int:place>", view_func=pages.score, methods=["POST"])
    found.add_url_rule("/of/<who>/<int:place>/<role>.png", view_func=pages.image)
    return found


def _png(path: Path) -> bytes:
    return image_io.encode(image_io.read(path).rgb, ".png")


def _error_page(error: HTTPException) -> flask.typing.ResponseReturnValue:
    """Plain, without the style sheet: its address would tell a stranger the token."""
    text = flask.render_template("error.html", title=error.name, text=error.description)
    return text, error.code or HTTPStatus.INTERNAL_SERVER_ERROR


def _not_kept(error: ImageError) -> flask.typing.ResponseReturnValue:
    """Nothing was written; going back in the browser brings the scores back."""
    return flask.render_template("not_kept.html", text=error), HTTPStatus.INSUFFICIENT_STORAGE
