"""Frozen configurations from plain values, and back; every fault is one phrase."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

KINDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


def build(kind: type, values: Mapping[str, Any], name: str, problems: list[str]) -> Any:
    """A frozen configuration of ``kind`` from a dictionary; faults are appended to ``problems``."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    hints = get_type_hints(kind)
    problems += unknown(f"{name} key", values, fields)
    good = {}
    for key in [k for k in values if k in fields]:
        try:
            good[key] = _converted(values[key], hints[key], fields[key])
        except ValueError as error:
            problems.append(f"{name}.{key} {error}")
    return kind(**good)


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration as plain dictionaries and lists, ready for JSON or TOML."""
    plain = dataclasses.asdict(config)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}


def unknown(what: str, given: Iterable[str], known: Iterable[str]) -> list[str]:
    """A phrase for each name that does not exist, with the nearest that does."""
    return [f"there is no {what} {n!r}{_near(n, known)}" for n in given if n not in known]


def _near(given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _converted(value: Any, hint: Any, spec: dataclasses.Field) -> Any:
    """The value as the field's type.

    Raises:
        ValueError: it is of another type or not among the values that the key may have.
    """
    if get_origin(hint) is tuple:
        found = _list(value, get_args(hint)[0], may_be_empty=spec.default == ())
        members: Iterable[Any] = found
    elif get_origin(hint) is Mapping:
        found = _table(value)
        members = found.values()
    else:
        found = _scalar(value, hint)
        members = (found,)
    choices = spec.metadata["choices"]
    if choices and found not in choices:
        near = _near(found, choices)
        raise ValueError(f"must be one of {', '.join(choices)}, not {found!r}{near}")
    if bounds := _outside(members, *spec.metadata["range"]):
        raise ValueError(f"must be {bounds}, not {value!r}")
    return found


def _list(value: Any, kind: type, *, may_be_empty: bool) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)) or not all(_is(kind, v) for v in value):
        raise ValueError(f"must be a list, each {KINDS[kind]}")
    if not value and not may_be_empty:
        raise ValueError("must not be empty")
    return tuple(value)


def _table(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or not all(_is(float, v) for v in value.values()):
        raise ValueError("must be a table of numbers")
    return {name: float(v) for name, v in value.items()}


def _scalar(value: Any, kind: type) -> Any:
    if not _is(kind, value):
        raise ValueError(f"must be {KINDS[kind]}, not {value!r}")
    return kind(value)


def _is(kind: type, value: Any) -> bool:
    """Whether TOML's value will do; True is no number, and neither are nan and inf."""
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int):
        return kind in (int, float) and abs(value) < 2**63
    if isinstance(value, float):
        return kind is float and math.isfinite(value)
    return isinstance(value, kind)


def _outside(members: Iterable[Any], low: float | None, high: float | None) -> str:
    """The bounds in words where one of the members is beyond them, else ""."""
    if any((low is not None and v < low) or (high is not None and v > high) for v in members):
        return f"at least {low}" if high is None else f"between {low} and {high}"
    return ""
