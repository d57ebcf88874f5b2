"""The server: waitress, on the loopback device alone."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from waitress.server import BaseWSGIServer, create_server

from hasnet_cli.study_site.app import create_app
from hasnet_models.errors import HasnetError, UsageError
from hasnet_models.study.answers import Answers
from hasnet_models.study.items import Study

HOST = "127.0.0.1"
_THREADS = 4


@dataclass(frozen=True)
class Site:
    """A study that is listening.

    Attributes:
        address: what the browser is given, the token in it.
        run: serves until the process is interrupted.
        close: stops listening.
    """

    address: str
    run: Callable[[], None]
    close: Callable[[], None]


def open_site(study: Study, answers: Answers, port: int = 0) -> Site:
    """Begin to listen.

    Args:
        port: 0 for any that is free.

    Raises:
        UsageError: another program has the port.
        HasnetError: it cannot be had.
    """
    token = secrets.token_urlsafe(16)
    app = create_app(study, answers, token)
    server = _listening(app, port)
    app.config["HOST"] = f"{HOST}:{server.effective_port}"
    return Site(f"http://{app.config['HOST']}/{token}/", server.run, server.close)


def _listening(app: object, port: int) -> BaseWSGIServer:
    try:
        return create_server(app, host=HOST, port=port, threads=_THREADS, ident=None)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = "Give another as port=N, or none for any that is free."
            text = f"Port {port} is in use by another program."
            raise UsageError(text, hint, parameters=("port",)) from error
        raise HasnetError(f"Port {port} cannot be had: {error.strerror}.") from error
