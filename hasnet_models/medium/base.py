"""What all media are: frozen parameters with bounds, fields found once, bands laid from them."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hasnet_models.errors import UsageError
from hasnet_models.medium.scale import Field
from hasnet_models.medium.scene import Scene
from hasnet_models.threads import side_by_side

Fields = dict[str, Field]


def together(**tasks: Callable[[], Field]) -> Fields:
    """Fields found side by side, by name."""
    return dict(zip(tasks, side_by_side(tasks.values()), strict=True))


def bounded(default: float, low: float, high: float, fitted: bool = True) -> Any:
    """A parameter that must lie in [low, high].

    Args:
        fitted: whether `fit` may choose it; False for colours and directions, which statistics of
            lightness say nothing about.
    """
    return field(default=default, metadata={"range": (low, high), "fitted": fitted})


@dataclass(frozen=True)
class Band:
    """Rows of a picture.

    Attributes:
        rgb: float32 (h, W, 3), 0..1.
        fields: of the medium, brought to these rows.
    """

    rgb: Field
    fields: Fields


@dataclass(frozen=True)
class Medium(ABC):
    """Base of all media. Lengths are in px of a face frame of 512 px and scale with it.

    Raises:
        UsageError: a parameter is no number, or out of its bounds.
    """

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        for name, (low, high) in self.bounds().items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not low <= value <= high:
                raise UsageError(
                    f"medium.{name} of {self.kind!r} is a number from {low:g} to {high:g}, "
                    f"not {value!r}."
                )

    @classmethod
    def bounds(cls) -> dict[str, tuple[float, float]]:
        """Least and greatest value of each parameter."""
        return {f.name: f.metadata["range"] for f in dataclasses.fields(cls)}

    @classmethod
    def fitted(cls) -> tuple[str, ...]:
        """Names of the parameters that `fit` may choose."""
        return tuple(f.name for f in dataclasses.fields(cls) if f.metadata["fitted"])

    @abstractmethod
    def fields(self, scene: Scene) -> Fields:
        """What is found once for the whole picture: float32 (h, w) or (h, w, C) of the scene."""

    @abstractmethod
    def lay(self, band: Band) -> Field:
        """The rows in this medium, float32 of the shape of `band.rgb`; may leave 0..1."""
