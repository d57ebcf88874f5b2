"""The page behind addresses, all below the token."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from hasnet_cli.example import example_portrait
from hasnet_cli.flags import with_flags
from hasnet_cli.hints import hint_of
from hasnet_cli.local_site.guard import guard
from hasnet_cli.remake import joined, remake_words
from hasnet_cli.ui_site.asked import request_of
from hasnet_cli.ui_site.told import boxes_of, domains_of, reference_facts
from hasnet_cli.ui_site.turns import GivesWay
from hasnet_cli.ui_site.workshop import Made, Opened, Workshop
from hasnet_models import image_io
from hasnet_models.avatar.look import STRONGEST_MEDIUM
from hasnet_models.avatar.request import NO_DOMAIN
from hasnet_models.errors import HasnetError
from hasnet_models.plugins.reference import Reference
from hasnet_models.topology.strength import STRONGEST
from hasnet_models.topology.zone_names import ZONES

MOST_BYTES = 100 * 2**20  # of a photo
# The page shows pictures that it has drawn itself, of the camera too.
POLICY = (
    "default-src 'none'; img-src 'self' blob:; media-src 'self' blob:; style-src 'self'; "
    "script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_THUMB_QUALITY = 85


def create_app(workshop: Workshop, token: str) -> flask.Flask:
    """The web application; its `config["HOST"]` is to be set to the server's host:port."""
    app = flask.Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    guard(app, token, POLICY)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(HasnetError, _own_error)
    app.register_error_handler(GivesWay, _gave_way)
    app.register_blueprint(_routes(Routes(workshop)), url_prefix=f"/{token}")
    return app


class Routes:
    """What each address answers."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def page(self) -> str:
        """The page itself; all else it asks for."""
        return flask.render_template(
            "ui.html", zones=ZONES, most_shape=STRONGEST, most_medium=STRONGEST_MEDIUM
        )

    def example(self) -> flask.Response:
        """The portrait that comes with hasnet."""
        return flask.send_file(example_portrait(), "image/jpeg", max_age=0)

    def domains(self) -> dict[str, Any]:
        """The worlds and their references."""
        return {"domains": domains_of(self.workshop.registry)}

    def open(self) -> dict[str, Any]:
        """Take in a photo: its bytes as they are, its name in a header."""
        name = flask.request.args.get("name", "photo")
        return _photo_facts(self.workshop.open(flask.request.get_data(), name, *_turn()))

    def faces(self, key: str) -> dict[str, Any]:
        """Where all faces of a photo are."""
        return {"faces": boxes_of(self.workshop.faces(key).faces)}

    def preview(self, key: str) -> flask.Response:
        """A photo for the page."""
        return flask.Response(self.workshop.preview(key), mimetype="image/jpeg")

    def make(self, key: str) -> dict[str, Any]:
        """The avatar of a photo, as the JSON object asks for it."""
        start = time.perf_counter()
        asked = flask.request.get_json()
        made = self.workshop.make(key, request_of(asked, self.workshop.device), *_turn())
        return _avatar_facts(self.workshop, made) | {
            "seconds": round(time.perf_counter() - start, 3)
        }

    def view(self, key: str) -> flask.Response:
        """An avatar for the page, quickly coded."""
        data, kind = self.workshop.made(key).view
        return flask.Response(data, mimetype=kind)

    def avatar(self, key: str) -> flask.Response:
        """The file of an avatar, to be kept."""
        return flask.send_file(
            self.workshop.file(key), "image/png", download_name=self.workshop.made(key).name,
            max_age=0, as_attachment="keep" in flask.request.args,
        )  # fmt: skip

    def before(self, key: str) -> flask.Response:
        """The same part of the photo."""
        data = image_io.encode(self.workshop.made(key).before, ".jpg")
        return flask.Response(data, mimetype="image/jpeg")

    def thumb(self, key: str) -> flask.Response:
        """A small avatar for the gallery of worlds."""
        request = request_of(flask.request.args, self.workshop.device)
        small = self.workshop.thumb(key, request)
        return flask.Response(
            image_io.encode(small, ".jpg", _THUMB_QUALITY), mimetype="image/jpeg"
        )


def _routes(routes: Routes) -> flask.Blueprint:
    found = flask.Blueprint("ui", __name__, static_folder="static")
    found.add_url_rule("/", view_func=routes.page)
    found.add_url_rule("/example.jpg", view_func=routes.example)
    found.add_url_rule("/domains", view_func=routes.domains)
    found.add_url_rule("/photo", view_func=routes.open, methods=["POST"])
    found.add_url_rule("/photo/<key>/faces", view_func=routes.faces)
    found.add_url_rule("/photo/<key>.jpg", view_func=routes.preview)
    found.add_url_rule("/photo/<key>/avatar", view_func=routes.make, methods=["POST"])
    found.add_url_rule("/photo/<key>/thumb.jpg", view_func=routes.thumb)
    found.add_url_rule("/avatar/<key>", view_func=routes.view)
    found.add_url_rule("/avatar/<key>.png", view_func=routes.avatar)
    found.add_url_rule("/avatar/<key>/before.jpg", view_func=routes.before)
    return found


def _turn() -> tuple[str, int]:
    """Which page asks, and the number of its change."""
    asked = flask.request.args
    return asked.get("page", ""), asked.get("turn", 0, type=int)


def _photo_facts(opened: Opened) -> dict[str, Any]:
    height, width = opened.photo.rgb.shape[:2]
    return {
        "photo": opened.key,
        "name": opened.photo.name,
        "width": width,
        "height": height,
        "faces": boxes_of(opened.cut.faces),
        "notes": list(opened.cut.notes),
    }


def _avatar_facts(workshop: Workshop, made: Made) -> dict[str, Any]:
    portrait = made.shown
    return {
        "avatar": made.key,
        "name": made.name,
        "width": made.size[0],
        "height": made.size[1],
        "domain": portrait.domain,
        "reference": reference_facts(_reference(workshop, made)),
        "notes": list(portrait.notes),
        "command": joined(remake_words(made.record, made.name, now=True)),
    }


def _reference(workshop: Workshop, made: Made) -> Reference:
    portrait = made.shown
    assert portrait.domain != NO_DOMAIN  # the page offers domains alone
    return workshop.registry.get(portrait.domain).reference(portrait.reference)


def _http_error(error: HTTPException) -> tuple[dict[str, str], int]:
    text = error.description or error.name
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        text = f"The photo has more than {MOST_BYTES // 2**20} MB."
    return {"error": text}, error.code or HTTPStatus.INTERNAL_SERVER_ERROR


def _own_error(error: HasnetError) -> tuple[dict[str, str], int]:
    """One sentence, and what to do about it where that is known."""
    sentence = with_flags(str(error), error.parameters)
    return {"error": sentence, "hint": hint_of(error) or ""}, HTTPStatus.UNPROCESSABLE_ENTITY


def _gave_way(_error: GivesWay) -> tuple[str, int]:
    """No error: nobody waits for it any more, or it is to be asked for again."""
    return "", HTTPStatus.NO_CONTENT
