"""Palettes of the user's own: GIMP's .gpl files, and JSON as `hasnet palette --json` prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hasnet_models.controls.colours import Colour, parse_colour
from hasnet_models.errors import ImageError, UsageError
from hasnet_models.palette import COLOURS, hex_codes
from hasnet_models.topology.zone_names import ZONES

_GIMP = "GIMP Palette"
_LONGEST = 1 << 20  # bytes of a palette as text
_MOST = 4096  # colours


@dataclass(frozen=True, eq=False)
class Palette:
    """Twenty colours, and where they belong.

    Attributes:
        colours: uint8 (20, 3).
        shares: float32 (20, 6), columns summing to 1; None where nothing is known.
        notes: for the user, such as that colours were repeated.
    """

    colours: NDArray[np.uint8]
    shares: NDArray[np.float32] | None
    notes: tuple[str, ...] = ()


def read_palette(path: str | Path) -> Palette | None:
    """The palette in a file of text; None where the file is none, so that it may be a picture.

    More than 20 colours are cut; fewer are repeated in their order, each place taking its part of
    the colour's shares.

    Raises:
        UsageError: the file is not there.
        ImageError: it is a palette and cannot be used.
    """
    path = Path(path)
    text = _text(path)
    if text.startswith(_GIMP):
        return of_colours(_gimp_colours(text, path.name), None, path.name)
    if text[:1] not in ("{", "["):
        return None
    import json

    try:
        colours, shares = _json_colours(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError) as error:
        raise ImageError(f"{path.name} is no palette in JSON: {_reason(error)}.") from error
    return of_colours(colours, shares, path.name)


def of_colours(colours: Sequence[Colour], shares: NDArray[np.float32] | None, name: str) -> Palette:
    """A palette of 20 from any number of colours.

    Args:
        shares: (N, 6), from 0.
        name: of the file, for notes and errors.

    Raises:
        ImageError: there is no colour, or far too many.
    """
    count = len(colours)
    if not 1 <= count <= _MOST:
        raise ImageError(f"The palette {name} has {count} colours; 1 to {_MOST} can be used.")
    places = np.arange(COLOURS) % count
    notes = ()
    if count != COLOURS:
        number = "1 colour" if count == 1 else f"{count} colours"
        done = "repeated to" if count < COLOURS else "cut to the first"
        notes = (f"The palette {name} has {number}, {done} {COLOURS}.",)
    found = np.array(colours, np.uint8)[places]
    if shares is not None:
        # it comes with OpenCV, which colours alone do without
        from hasnet_models.controls.tint import normalised

        times = np.bincount(places, minlength=count)[places]
        shares = normalised(shares[places] / times[:, None])
    return Palette(found, shares, notes)


def gimp_text(colours: NDArray[np.uint8], name: str) -> str:
    """A GIMP palette of colours (N, 3), each named by its code."""
    title = " ".join(name.split())
    rows = (
        "{:3d} {:3d} {:3d}\t{}".format(*colour, code)
        for colour, code in zip(colours.tolist(), hex_codes(colours), strict=True)
    )
    return "\n".join([_GIMP, f"Name: {title}", "Columns: 5", "#", *rows, ""])


def json_colours(
    colours: NDArray[np.uint8], shares: NDArray[np.float32] | None
) -> list[dict[str, Any]]:
    """Colours (N, 3) as `read_palette` reads them, with their shares (N, 6) by zone."""
    listed: list[dict[str, Any]] = [
        {"hex": code, "rgb": colour.tolist()}
        for code, colour in zip(hex_codes(colours), colours, strict=True)
    ]
    if shares is not None:
        for entry, row in zip(listed, shares.tolist(), strict=True):
            entry["shares"] = {z: round(v, 4) for z, v in zip(ZONES, row, strict=True)}
    return listed


def _text(path: Path) -> str:
    """The beginning of a file as text, what is no text replaced."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"The palette {path} cannot be read: {reason}.", parameters=("palette",)
        ) from error
    return data.decode("utf-8-sig", "replace").lstrip()


def _gimp_colours(text: str, name: str) -> list[Colour]:
    """The colours of a GIMP palette: after the head, lines of three numbers and a name."""
    colours = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if not words or words[0].startswith("#") or words[0] in ("Name:", "Columns:", "Channels:"):
            continue
        try:
            colour = tuple(int(word) for word in words[:3])
        except ValueError:
            colour = ()
        if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
            raise ImageError(f"{name} is no GIMP palette: {line.strip()[:40]!r} is no colour.")
        colours.append(colour)
    return colours


def _json_colours(found: Any) -> tuple[list[Colour], NDArray[np.float32] | None]:
    """Colours, and shares where every colour has some."""
    entries = found["colours"] if isinstance(found, Mapping) else found
    if not isinstance(entries, list):
        raise ValueError("its colours are no list")
    colours = [_json_colour(entry) for entry in entries]
    rows = [entry.get("shares") if isinstance(entry, Mapping) else None for entry in entries]
    if not rows or None in rows:
        return colours, None
    shares = np.array([[float(row.get(zone, 0)) for zone in ZONES] for row in rows], np.float32)
    if not (np.isfinite(shares).all() and (shares >= 0).all()):
        raise ValueError("shares are numbers from 0")
    return colours, shares


def _json_colour(entry: Any) -> Colour:
    if isinstance(entry, Mapping):
        entry = entry["hex"] if "hex" in entry else entry["rgb"]
    if isinstance(entry, str):
        return parse_colour(entry, "palette")
    r, g, b = entry
    if not all(type(value) is int and 0 <= value <= 255 for value in entry):
        raise ValueError(f"{entry!r} is no colour")
    return (r, g, b)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    return " ".join(str(error).rstrip(".").split())
