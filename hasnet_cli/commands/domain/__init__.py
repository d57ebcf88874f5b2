"""`hasnet domain`: a domain of one's own, from pictures to a wheel. One file a subcommand."""

from __future__ import annotations

import click

from hasnet_cli.console import verbosity_options
from hasnet_cli.lazy_group import LazyGroup

LINES = {
    "new": "Write the package of a domain NAME without its data.",
    "build": "Make a domain NAME out of the pictures in a folder.",
    "preview": "Make a sheet: photos by references of a domain, spread evenly over all.",
    "seal": "Write the hashes of a package's data anew, and put in a head.",
    "pack": "Make a wheel of a domain's package.",
    "validate": "Check a package: manifest, hashes, tensors, medium.",
}


@click.group("domain", cls=LazyGroup, package=__name__, lines=LINES)
@verbosity_options
def command() -> None:
    """Make a domain of your own out of pictures."""
