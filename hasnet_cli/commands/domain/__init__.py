"""`hasnet domain`: a domain of one's own, from pictures to a wheel. One file a subcommand."""

from __future__ import annotations

import click

from hasnet_cli.console import verbosity_options
from hasnet_cli.lazy_group import LazyGroup

LINES = {
    "new": "Write the package of a domain without its data.",
    "build": "Make a domain out of a folder of pictures.",
    "preview": "Make a sheet: photos by references of a domain.",
    "seal": "Put a trained head into a package, and write its hashes anew.",
    "pack": "Make a wheel of a domain's package.",
}


@click.group("domain", cls=LazyGroup, package=__name__, lines=LINES)
@verbosity_options
def command() -> None:
    """Make a domain of your own: from a folder of pictures to a wheel."""
