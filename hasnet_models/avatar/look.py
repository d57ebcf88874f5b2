"""How far an avatar goes towards its reference: the user's controls, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from hasnet_models.errors import UsageError
from hasnet_models.topology.strength import STRONGEST

APPEARANCE = 0.8


@dataclass(frozen=True)
class Look:
    """What of a reference an avatar takes, and how much of it.

    Attributes:
        shape: how far the face goes to the reference's shape, 0..1.5; None for what the domain
            says, times `strength`.
        appearance: how far the face's colours go to where the reference has them, 0..1; None for
            0.8 times `strength`.
        strength: 0 takes only the reference's colours, 1 the whole effect.
    """

    shape: float | None = None
    appearance: float | None = None
    strength: float = 1.0

    def check(self) -> None:
        """Raises UsageError where a number is out of its range."""
        bounds = {"shape": STRONGEST, "appearance": 1.0, "strength": 1.0}
        for name, most in bounds.items():
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                text = f"The {name} must be 0 to {most:g}, not {value}."
                raise UsageError(text, parameters=(name,))

    def shape_of(self, default: float) -> float:
        """The strength of the shape, where a domain's own is `default`."""
        return default * self.strength if self.shape is None else self.shape

    @property
    def colouring(self) -> float:
        """How far chroma goes to the reference's, 0..1."""
        return APPEARANCE * self.strength if self.appearance is None else self.appearance
