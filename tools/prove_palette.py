"""Prove that `hasnet_models.palette` gives ColorThief's colours in its order, and how much faster.

    python tools/prove_palette.py FOLDER [COUNT [DONE]]

Every picture of the folder (COUNT of them, evenly spread, without the first DONE) is brought to
512 px. ColorThief's own code gets all pixels of our averaged picture and must give the same 20
colours in the same order; where it made an empty box, which ours does not (see the module), the two
may differ, and are counted apart. Timed is ColorThief as its users call it,
`get_palette(quality=10)` on the decoded picture, against `extract`, both as processor time in turn.
What is known so far is printed after every 25 pictures.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from colorthief import MMCQ, ColorThief
from PIL import Image

from hasnet_models import image_io
from hasnet_models.palette import COLOURS, extract, shrink

SIDE = 512
QUALITY = 10
EVERY = 25  # pictures, after which the figures are printed


def pictures(folder: Path, count: int, done: int = 0) -> Iterator[np.ndarray]:
    """uint8 (512, 512, 3)."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in image_io.SUFFIXES)
    for i in np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)[done:]:
        rgb = image_io.read(paths[i]).rgb
        yield np.asarray(Image.fromarray(rgb).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def agreement(rgb: np.ndarray) -> str:
    """`same`, `empty box` where ColorThief made one, else `different`."""
    pixels = [tuple(pixel) for pixel in shrink(rgb).reshape(-1, 3).tolist()]
    found = MMCQ.quantize(pixels, COLOURS + 1)
    if np.array_equal(found.palette, extract(rgb)):
        return "same"
    empty = any(entry["vbox"].count == 0 for entry in found.vboxes.contents)
    return "empty box" if empty else "different"


def seconds(run: Callable[[], object]) -> float:
    """Processor time of a call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def colorthief_of(rgb: np.ndarray) -> ColorThief:
    """ColorThief, the picture decoded."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "BMP")
    thief = ColorThief(buffer)
    thief.image.load()
    return thief


def told(verdicts: Counter[str], theirs: list[float], ours: list[float]) -> None:
    """Print what is known so far."""
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    counts = ", ".join(f"{n} {v}" for v, n in sorted(verdicts.items()))
    print(
        f"{len(ours)} pictures: {counts}; ms, median: ColorThief "
        f"{1000 * statistics.median(theirs):.1f}, extract {1000 * statistics.median(ours):.2f}; "
        f"times faster: all together {sum(theirs) / sum(ours):.1f}, median "
        f"{statistics.median(ratios):.1f}, least {min(ratios):.1f}",
        flush=True,
    )


def main() -> int:
    if not sys.argv[1:]:
        sys.exit(__doc__)
    given = sys.argv[2:]
    count, done = map(int, [*given, *("500", "0")[len(given) :]])
    verdicts: Counter[str] = Counter()
    theirs, ours = [], []
    for number, rgb in enumerate(pictures(Path(sys.argv[1]), count, done), 1):
        verdicts[agreement(rgb)] += 1
        thief = colorthief_of(rgb)
        theirs.append(seconds(lambda thief=thief: thief.get_palette(COLOURS + 1, QUALITY)))
        ours.append(min(seconds(lambda rgb=rgb: extract(rgb)) for _ in range(2)))
        if number % EVERY == 0:
            told(verdicts, theirs, ours)
    told(verdicts, theirs, ours)
    return 1 if verdicts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
