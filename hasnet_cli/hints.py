"""What a user of the command line can do about an error.

The library states facts and knows no commands. An error may bring a hint of its own; where it has
none, this table has one for its class.
"""

from __future__ import annotations

from collections.abc import Mapping

from hasnet_models.errors import DomainError, HasnetError, PluginError

HINTS: Mapping[type[HasnetError], str] = {
    DomainError: "`hasnet domains` lists what is installed, and what is broken.",
    PluginError: "`hasnet doctor` shows what is broken.",
}


def explained(error: HasnetError) -> HasnetError:
    """The error with a hint, its own or that of its class."""
    if error.hint is None:
        error.hint = next((h for kind, h in HINTS.items() if isinstance(error, kind)), None)
    return error
