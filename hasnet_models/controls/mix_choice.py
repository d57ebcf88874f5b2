"""A mixture of references as the user writes it: "a:0.7,b:0.3"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hasnet_models.errors import UsageError


@dataclass(frozen=True)
class MixChoice:
    """References by number or name, each with a weight; `str` gives it back as it was written.

    Attributes:
        parts: name and weight of each, as given; weights are 0 or more, one above 0.
    """

    parts: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, text: str) -> MixChoice:
        """Read a list of NAME:WEIGHT with commas.

        Raises:
            UsageError: a part has no name, a weight is no number from 0, or all are 0.
        """
        parts = [_part(part) for part in text.split(",")]
        names = [name for name, _ in parts]
        for name in names:
            if names.count(name) > 1:
                raise _refusal(f"The reference {name!r} is twice in the mixture.")
        return cls.of(dict(parts))

    @classmethod
    def of(cls, weights: Mapping[Any, Any]) -> MixChoice:
        """References by number or name, with their weights.

        Raises:
            UsageError: a weight is no number from 0, or all are 0.
        """
        parts = tuple((str(name), _weight(str(name), weight)) for name, weight in weights.items())
        if not any(weight for _, weight in parts):
            raise _refusal("The weights of a mixture are all 0.")
        return cls(parts)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.parts)

    @property
    def weights(self) -> tuple[float, ...]:
        """Normalised: 0..1, summing to 1."""
        largest = max(weight for _, weight in self.parts)
        total = sum(weight / largest for _, weight in self.parts)
        return tuple(weight / largest / total for _, weight in self.parts)

    def __str__(self) -> str:
        return ",".join(f"{name}:{weight!r}".removesuffix(".0") for name, weight in self.parts)


def _part(text: str) -> tuple[str, str]:
    name, _, number = text.strip().rpartition(":")
    if not name.strip():
        raise _refusal(f"A mixture is REFERENCE:WEIGHT,..., such as 1:0.7,2:0.3, not {text!r}.")
    return name.strip(), number


def _weight(name: str, number: str | float) -> float:
    try:
        weight = float(number)
    except (ValueError, TypeError):
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise _refusal(f"The weight of {name!r} is a number from 0, not {number!r}.")
    return weight


def _refusal(text: str) -> UsageError:
    return UsageError(text, parameters=("mix",))
