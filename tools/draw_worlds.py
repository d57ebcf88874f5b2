"""Draw the README's picture: one portrait in every installed world, each as `hasnet avatar` has it.

    python tools/draw_worlds.py [examples/astronaut.png] [-o docs/worlds.jpg]
        [--reference caricature=NAME ...]

Worlds that are not named take the reference that is most like the person.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hasnet_models import Avatar, image_io
from hasnet_models.face.align import resized
from hasnet_models.medium import presets

COLUMNS, SIDE, CAPTION = 7, 200, 18


def cell(caption: str, picture: np.ndarray) -> np.ndarray:
    """A picture, uint8 (SIDE, SIDE, 3), under its name."""
    found = Image.new("RGB", (SIDE, CAPTION + SIDE), "white")
    font = ImageFont.load_default(11)
    ImageDraw.Draw(found).text((5, CAPTION / 2), caption, "black", font, anchor="lm")
    found.paste(Image.fromarray(resized(picture, SIDE)), (0, CAPTION))
    return np.array(found)


def cells(photo: Path, references: Mapping[str, str]) -> list[np.ndarray]:
    """The portrait and its worlds."""
    found = []
    for name in presets():
        avatar = Avatar(name, reference=references.get(name), size=512)(str(photo))
        if not found:
            found.append(cell("the photo", avatar.steps.source))
        print(f"{name}: {avatar.reference}", flush=True)
        found.append(cell(name, avatar.array))
    return found


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=Path("examples/astronaut.png"))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/worlds.jpg"))
    parser.add_argument("--reference", action="append", default=[], metavar="DOMAIN=NAME")
    options = parser.parse_args()
    drawn = cells(options.photo, dict(one.split("=", 1) for one in options.reference))
    drawn += [np.full_like(drawn[0], 255)] * (-len(drawn) % COLUMNS)
    rows = [np.hstack(drawn[top : top + COLUMNS]) for top in range(0, len(drawn), COLUMNS)]
    image_io.write(np.vstack(rows), options.output, quality=90)


if __name__ == "__main__":
    main()
