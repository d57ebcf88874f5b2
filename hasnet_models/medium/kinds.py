"""The media by name, with bounded parameters, and the presets of the known domains."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import sys
from collections.abc import Mapping
from importlib import resources
from typing import Any

from hasnet_models.errors import UsageError
from hasnet_models.medium.base import Medium
from hasnet_models.medium.drawing import Cel, FacePaint, Ink, Pencil
from hasnet_models.medium.forming import Metal, SoftShading, Stone
from hasnet_models.medium.laying import GREATEST_STRENGTH, apply
from hasnet_models.medium.painting import Paint
from hasnet_models.medium.photographing import Film

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library has it from 3.11
    import tomli as tomllib

__all__ = ["GREATEST_STRENGTH", "KINDS", "apply", "from_table", "presets", "to_table"]

KINDS: Mapping[str, type[Medium]] = {
    medium.kind: medium
    for medium in (Pencil, Cel, Paint, Ink, Stone, Metal, FacePaint, Film, SoftShading)
}
_PRESETS = "presets.toml"


def from_table(
    table: Mapping[str, Any], kinds: Mapping[str, type[Medium]] = KINDS
) -> Medium | None:
    """A medium from a table such as `{"kind": "pencil", "line": 0.5}`.

    Args:
        table: `kind` and parameters; those left out have the kind's own values.
        kinds: by name; a caller adds its own to KINDS.

    Returns:
        The medium; None where the kind is "none".

    Raises:
        UsageError: the kind or a parameter is unknown, or a value is out of its bounds.
    """
    parameters = dict(table)
    name = parameters.pop("kind", None)
    if name == "none" and not parameters:
        return None
    if not isinstance(name, str) or name not in kinds:
        raise UsageError(
            f"There is no medium {name!r}{_nearest(name, kinds)}.",
            f"The media are {', '.join(kinds)} and none.",
        )
    kind = kinds[name]
    for parameter in parameters:
        if parameter not in kind.bounds():
            raise UsageError(
                f"The medium {name!r} has no parameter {parameter!r}"
                f"{_nearest(parameter, kind.bounds())}.",
                f"It has {', '.join(kind.bounds())}.",
            )
    return kind(**parameters)


def to_table(medium: Medium) -> dict[str, Any]:
    """The table that `from_table` makes this medium from, with every parameter."""
    return {"kind": medium.kind, **dataclasses.asdict(medium)}


@functools.cache
def presets() -> Mapping[str, Medium]:
    """The media of the known domains, by the domain's name.

    Raises:
        UsageError: the file of presets names an unknown kind or parameter.
    """
    text = resources.files(__package__).joinpath(_PRESETS).read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return {domain: from_table(table) for domain, table in tables.items()}


def _nearest(name: object, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(str(name), known, 1)
    return f"; {near[0]!r} is near" if near else ""
