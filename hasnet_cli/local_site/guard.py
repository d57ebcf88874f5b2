"""Who is let in: the browser that was given the address, and no page of another site.

A server on the loopback device is reachable for every page that the same browser shows. So a
request must name this server as its host (no DNS rebinding), must not come from another origin,
and must carry the random token of the address, which other sites cannot know.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus

from flask import Flask, Response, abort, request

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # "no-referrer" would also take the origin from our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FROM_HERE = ("same-origin", "none")  # "none": typed, or followed from another program


def guard(app: Flask, token: str, policy: str) -> None:
    """Refuse what does not belong here, before any page; `app.config["HOST"]` is our host:port.

    Args:
        policy: the Content-Security-Policy of the pages.
    """

    @app.before_request
    def refuse_strangers() -> None:
        if request.host != app.config["HOST"]:
            abort(HTTPStatus.MISDIRECTED_REQUEST, "This is not the address of the page.")
        if not _is_own(f"http://{request.host}"):
            abort(HTTPStatus.FORBIDDEN, "Requests of other sites are refused.")
        given = request.path.split("/")[1]
        if not secrets.compare_digest(given.encode(), token.encode()):
            abort(
                HTTPStatus.FORBIDDEN,
                "The address lacks its token, or is of an earlier start: "
                "take the one that the terminal shows.",
            )

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.update(HEADERS | {"Content-Security-Policy": policy})
        return response


def _is_own(origin: str) -> bool:
    """Whether a request says that it comes from our own pages; one that changes things must."""
    given = request.headers.get("Origin")
    if given is None and request.method not in ("GET", "HEAD"):
        return False
    site = request.headers.get("Sec-Fetch-Site", _FROM_HERE[0])
    return given in (None, origin) and site in _FROM_HERE
