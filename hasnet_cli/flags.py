"""The library's parameters as the command line writes them.

Errors and notes of the library say what is wrong in Python's terms, `paste=True`, and name the
parameters they are about (`HasnetError.parameters`); here they become flags, `--paste`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_OTHER_NAMES = {"out": "-o"}


def flag(parameter: str) -> str:
    """`retry_failed` -> `--retry-failed`."""
    return _OTHER_NAMES.get(parameter, "--" + parameter.replace("_", "-"))


def with_flags(text: str, parameters: Collection[str]) -> str:
    """`face=aligned` -> `--face aligned`, `paste=True` -> `--paste`, for these parameters only."""
    for parameter in parameters:
        text = re.sub(rf"\b{parameter}=True\b", flag(parameter), text)
        text = re.sub(rf"\b{parameter}=(?=\S)", f"{flag(parameter)} ", text)
    return text

