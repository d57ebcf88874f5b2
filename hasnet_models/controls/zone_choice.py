"""Zones as the user names them: colours for some of them, others that keep the photo's colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hasnet_models.controls.colours import Colour, hex_code, parse_colour
from hasnet_models.errors import UsageError
from hasnet_models.topology.zone_names import ZONES

ALIASES = {"background": "rest", "clothes": "below"}
ALL = "all"
KEPT = ("skin", "lips", "eyes", "hair", ALL)


@dataclass(frozen=True)
class ZoneColour:
    """A zone of the face picture and the colour it is to have; `str` gives "hair=#3060a0".

    Attributes:
        zone: one of `topology.zone_names.ZONES`.
        colour: sRGB, 0..255.
    """

    zone: str
    colour: Colour

    @classmethod
    def parse(cls, text: str) -> ZoneColour:
        """Read "ZONE=COLOUR".

        Raises:
            UsageError: there is no such zone, or no such colour.
        """
        name, sign, colour = text.partition("=")
        if not sign:
            raise _refusal(f"A colour is given as ZONE=#rrggbb, not {text!r}.")
        zone = ALIASES.get(name.strip(), name.strip())
        if zone not in ZONES:
            raise _refusal(f"There is no zone {name!r}; there are {_listed((*ZONES, *ALIASES))}.")
        return cls(zone, parse_colour(colour))

    def __str__(self) -> str:
        return f"{self.zone}={hex_code(self.colour)}"


def parse_colours(texts: Iterable[str]) -> tuple[ZoneColour, ...]:
    """Some colours, in the order of the zones.

    Raises:
        UsageError: as `ZoneColour.parse`, or a zone has two.
    """
    found = [ZoneColour.parse(text) for text in texts]
    zones = [one.zone for one in found]
    for zone in zones:
        if zones.count(zone) > 1:
            raise _refusal(f"The zone {zone} has two colours.")
    return tuple(sorted(found, key=lambda one: ZONES.index(one.zone)))


def parse_keep(texts: Iterable[str]) -> tuple[str, ...]:
    """Zones whose colours stay, from names and lists with commas, in the order of `KEPT`.

    Raises:
        UsageError: there is no such zone.
    """
    names = {name.strip() for text in texts for name in text.split(",")}
    for name in sorted(names - set(KEPT)):
        raise UsageError(
            f"Colours are kept of {_listed(KEPT)}, not of {name!r}.", parameters=("keep",)
        )
    return (ALL,) if ALL in names else tuple(name for name in KEPT if name in names)


def kept_zones(keep: Iterable[str]) -> tuple[int, ...]:
    """The numbers, among `ZONES`, of what `parse_keep` gave."""
    names = set(keep)
    return tuple(i for i, zone in enumerate(ZONES) if ALL in names or zone in names)


def _refusal(text: str) -> UsageError:
    return UsageError(text, parameters=("colour",))


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}"
