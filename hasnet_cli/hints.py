"""What a user of the command line can do about an error.

The library states facts and knows no commands and no flags. An error may bring a hint, in Python's
terms, or name the parameters it is about; where it has neither, this table has one for its class.
"""

from __future__ import annotations

from collections.abc import Mapping

from hasnet_cli.flags import flag, with_flags
from hasnet_models.errors import DomainError, HasnetError, PluginError, WeightFileError

HINTS: Mapping[type[HasnetError], str] = {
    DomainError: "`hasnet domains` lists what is installed, and what is broken.",
    PluginError: "`hasnet doctor` shows what is broken.",
    WeightFileError: (
        "Run `hasnet models pull`, install hasnet again, or put the file into the folder that "
        "HASNET_WEIGHTS names."
    ),
}


def hint_of(error: HasnetError) -> str | None:
    """The error's own hint with flags, or the flags it is about, or the hint of its class."""
    if error.hint is not None:
        return with_flags(error.hint, error.parameters)
    if error.parameters:
        return f"See {', '.join(map(flag, error.parameters))}."
    return next((hint for kind, hint in HINTS.items() if isinstance(error, kind)), None)
