"""The server: waitress, on the loopback device alone."""

from __future__ import annotations

import errno
import importlib.util
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli.console import Terminal
from hasnet_models.errors import HasnetError, UsageError

if TYPE_CHECKING:
    from waitress.server import BaseWSGIServer

HOST = "127.0.0.1"
_PACKAGES = ("flask", "waitress")
_THREADS = 4
_MARGIN = 2**20  # the application is to refuse what is too long, in its own words

MakeApp = Callable[[str], Any]


@dataclass(frozen=True)
class Site:
    """Pages that are listening.

    Attributes:
        address: what the browser is given, the token in it.
        run: serves until the process is interrupted.
        close: stops listening.
    """

    address: str
    run: Callable[[], None]
    close: Callable[[], None]


def require_packages(extra: str) -> None:
    """Raises UsageError where the packages of an extra that has pages are not installed."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"The page needs {' and '.join(missing)}.", f"Run `pip install 'hasnet[{extra}]'`."
        )


def open_site(make_app: MakeApp, port: int = 0, most_bytes: int = 2**20) -> Site:
    """Begin to listen.

    Args:
        make_app: gives the flask application for a token; its `config["HOST"]` is set here.
        port: 0 for any that is free.
        most_bytes: of a request.

    Raises:
        UsageError: another program has the port.
        HasnetError: it cannot be had.
    """
    token = secrets.token_urlsafe(16)
    app = make_app(token)
    server = _listening(app, port, most_bytes)
    app.config["HOST"] = f"{HOST}:{server.effective_port}"
    return Site(f"http://{app.config['HOST']}/{token}/", server.run, server.close)


def show(site: Site, terminal: Terminal, note: str, in_browser: bool) -> None:
    """Give out the address, with a note, and serve until interrupted; stops listening at the end.

    Args:
        in_browser: open the page there too.
    """
    terminal.result(site.address)
    terminal.note(note)
    if in_browser:
        click.launch(site.address)
    try:
        site.run()
    finally:
        site.close()


def _listening(app: Any, port: int, most_bytes: int) -> BaseWSGIServer:
    from waitress.server import create_server

    try:
        return create_server(
            app, host=HOST, port=port, threads=_THREADS, ident=None,
            max_request_body_size=most_bytes + _MARGIN,
        )  # fmt: skip
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = "Give another as port=N, or none for any that is free."
            text = f"Port {port} is in use by another program."
            raise UsageError(text, hint, parameters=("port",)) from error
        raise HasnetError(f"Port {port} cannot be had: {error.strerror}.") from error
