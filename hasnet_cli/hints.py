"""What a user of the command line can do about an error.

The library states facts and knows no commands. An error may bring a hint of its own; where it has
none, this table has one for its class.
"""

from __future__ import annotations

from collections.abc import Mapping

from hasnet_models.errors import DomainError, HasnetError, PluginError, WeightsError

HINTS: Mapping[type[HasnetError], str] = {
    WeightsError: (
        "`hasnet models pull` fetches missing and damaged weight files, `hasnet doctor` says more."
    ),
    DomainError: "`hasnet domains` lists what is installed.",
    PluginError: "`hasnet doctor` shows where it broke.",
}


def explained(error: HasnetError) -> HasnetError:
    """The error with a hint, its own or that of its class."""
    if error.hint is None:
        error.hint = next((h for kind, h in HINTS.items() if isinstance(error, kind)), None)
    return error
