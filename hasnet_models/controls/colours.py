"""Colours as people write them."""

from __future__ import annotations

from hasnet_models.errors import UsageError

Colour = tuple[int, int, int]


def parse_colour(text: str, parameter: str = "colour") -> Colour:
    """The sRGB colour, 0..255, of "#rrggbb", "#rgb" or a CSS name (Pillow's list).

    Args:
        parameter: whose value it is, for the error.

    Raises:
        UsageError: it is none of these.
    """
    from PIL import ImageColor  # Pillow would cost every command its time

    try:
        found = ImageColor.getrgb(text.strip())
    except ValueError:
        found = ()
    if len(found) != 3:
        raise UsageError(
            f"{text!r} is no colour: write #rrggbb, #rgb or a CSS name such as navy.",
            parameters=(parameter,),
        )
    return found


def hex_code(colour: Colour) -> str:
    """(r, g, b) -> "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
