"""`hasnet ui`: a page of this machine alone, to play with photos and worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, verbosity_options
from hasnet_cli.options import device_option


@click.command("ui")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Of the page.  [default: a free one]"
)
@click.option("--open/--no-open", "in_browser", default=True, help="Open the page in the browser.")
@device_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, port: int, in_browser: bool, device: str) -> None:
    """Show a page to play with photos and worlds, until interrupted.

    The page is on this machine alone: it listens on the loopback device, its address holds a random
    token, and nothing that it is given leaves the machine or is kept. The address goes to standard
    output.
    """
    from hasnet_cli.local_site.serving import open_site, require_packages, show

    require_packages("ui")
    from hasnet_cli.ui_site.app import MOST_BYTES, create_app
    from hasnet_cli.ui_site.workshop import Workshop

    registry = factory.find_domains()
    terminal.report_plugins(registry)
    with Workshop(registry, _load, device) as workshop:
        site = open_site(lambda token: create_app(workshop, token), port, MOST_BYTES)
        show(site, terminal, "Ctrl+C ends the page.", in_browser)


def _load(device: str, backend: str, go_on: Callable[[], None]) -> Any:
    """The pipeline, which does not do twice what a slider leaves as it was."""
    from hasnet_models.runtimes.remembering import Remembering

    pipeline = factory.load_pipeline(device, backend)
    return replace(pipeline, runtime=Remembering(pipeline.runtime, go_on))
