"""A key of a configuration: its default, what it means in words, and the values it may have."""

from __future__ import annotations

import dataclasses
from typing import Any


def key(
    default: Any,
    about: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field.

    Args:
        about: one line, shown in docs/training.md and beside the key in TOML.
        low, high: bounds of the value, or of each value of a list or table; None for no bound.
        choices: the texts it may be; empty for any.
    """
    metadata = {"about": about, "range": (low, high), "choices": choices}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def about(kind: type) -> dict[str, str]:
    """The words of each key of a configuration class."""
    return {f.name: f.metadata["about"] for f in dataclasses.fields(kind)}
