"""How far a face goes towards a domain's shape and colours: defaults and bounds, without numpy."""

from __future__ import annotations

from dataclasses import dataclass

STRENGTH = 1.1
STRONGEST = 1.5
DOMAIN_WEIGHT, OWN_WEIGHT = 0.5, 0.8
HEAVIEST = 2.0
# how far an avatar's chroma goes to the reference's, and the factor on its lightness' pattern
CHROMA, PATTERN = 0.8, 0.6


@dataclass(frozen=True)
class Shaping:
    """What a domain makes of shapes (`shape.target`, `shape.mixed_shape`).

    Attributes:
        strength: unless the user gives another, 0..1.5.
        domain, own: weights of the domain's shape and of the reference's own, 0..2.
    """

    strength: float = STRENGTH
    domain: float = DOMAIN_WEIGHT
    own: float = OWN_WEIGHT

    def __post_init__(self) -> None:
        """Raises ValueError where a number is out of its bounds."""
        bounds = {"strength": STRONGEST, "domain": HEAVIEST, "own": HEAVIEST}
        for name, most in bounds.items():
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is 0 to {most:g}, not {getattr(self, name)}")
