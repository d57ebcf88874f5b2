"""How far an avatar goes towards its reference: the user's controls, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from hasnet_models.controls.background_choice import KEEP, Background
from hasnet_models.controls.zone_choice import ZoneColour
from hasnet_models.errors import UsageError
from hasnet_models.topology.strength import STRONGEST

APPEARANCE = 0.8
STRONGEST_MEDIUM = 1.5


@dataclass(frozen=True)
class Look:
    """What of a reference an avatar takes, how much of it, and what the user wants otherwise.

    Attributes:
        shape: how far the face goes to the reference's shape, 0..1.5; None for what the domain
            says, times `strength`.
        appearance: how far the face's colours go to where the reference has them, 0..1; None for
            0.8 times `strength`.
        strength: 0 takes only the reference's colours, 1 the whole effect.
        medium: how strongly the medium is laid, 0..1.5; None for `strength`.
        medium_kind: its kind; "none" for none, None for what the domain says.
        palette: path of a file whose colours stand for the reference's.
        colour: colours of zones, at most one for each.
        keep: zones that have the photo's own colours, as `controls.zone_choice.parse_keep` gives.
        background: what is behind the person.
    """

    shape: float | None = None
    appearance: float | None = None
    strength: float = 1.0
    medium: float | None = None
    medium_kind: str | None = None
    palette: str | None = None
    colour: tuple[ZoneColour, ...] = ()
    keep: tuple[str, ...] = ()
    background: Background = field(default_factory=Background)

    def check(self) -> None:
        """Raises UsageError where a number is out of its range."""
        bounds = {
            "shape": STRONGEST, "appearance": 1.0, "strength": 1.0, "medium": STRONGEST_MEDIUM,
        }  # fmt: skip
        for name, most in bounds.items():
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                text = f"The {name} must be 0 to {most:g}, not {value}."
                raise UsageError(text, parameters=(name,))

    @property
    def in_colour(self) -> bool:
        """Whether the user chose colours, which a medium is not to take away."""
        return bool(self.colour or self.keep or self.palette)

    @property
    def cuts_out(self) -> bool:
        """Whether the person has to be told from the background."""
        return self.background.kind != KEEP

    def without_folders(self) -> Look:
        """Its files by their names alone."""
        palette = None if self.palette is None else Path(self.palette).name
        return replace(self, palette=palette, background=self.background.without_folder())

    def absolute(self) -> Look:
        """Its files as another process finds them."""
        palette = None if self.palette is None else str(Path(self.palette).absolute())
        return replace(self, palette=palette, background=self.background.absolute())

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it reads."""
        return tuple(path for path in (self.palette, self.background.file) if path)

    def shape_of(self, default: float) -> float:
        """The strength of the shape, where a domain's own is `default`."""
        return default * self.strength if self.shape is None else self.shape

    @property
    def colouring(self) -> float:
        """How far chroma goes to the reference's, 0..1."""
        return APPEARANCE * self.strength if self.appearance is None else self.appearance

    @property
    def medium_strength(self) -> float:
        """How strongly the medium is laid, 0..1.5."""
        return self.strength if self.medium is None else self.medium
