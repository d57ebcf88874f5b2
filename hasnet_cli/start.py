"""A request made ready with what is installed here."""

from __future__ import annotations

from hasnet_cli import factory
from hasnet_cli.console import Terminal
from hasnet_cli.flags import with_flags
from hasnet_cli.home import registry_for
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.request import Request


def start_job(request: Request, terminal: Terminal) -> Job:
    """The request made ready, with the installed domains and this program's pipeline.

    Raises:
        HasnetError: of the kind that fits.
    """
    request.check()
    registry = registry_for(request.domain)
    terminal.report_plugins(registry)
    return Job.start(
        request, registry, factory.load_pipeline,
        lambda note: terminal.note(with_flags(note, ("domain", "medium_kind"))),
    )  # fmt: skip


def start_on_worker(request: Request) -> Job:
    """The same job in another process; what there is to say has been said."""
    terminal = Terminal()
    terminal.verbosity = -1
    return start_job(request, terminal)
