"""Time of each medium at 512 px and 2,048 px, and how it grows with the pixels.

    python tools/bench_medium.py [--photo examples/astronaut.png] [--runs 7] [--threads 2]

Prints seconds on the clock and of the processors, the least of the runs: on a busy machine the
clock says little, and the processors' seconds shared out among the cores are a better guess.
The last column is 2,048 px against 512 px, of the clock; the pixels grow by 16.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hasnet_models import image_io
from hasnet_models.medium import KINDS, Medium, apply, scale
from hasnet_models.opencv import cv2

SIDES = (512, 2048)


def least(run: Callable[[], object], runs: int) -> tuple[float, float]:
    """Least seconds on the clock and of the processors, after a run that does not count."""
    run()
    clock, processors = [], []
    for _ in range(runs):
        start, start_processors = time.perf_counter(), time.process_time()
        run()
        clock.append(time.perf_counter() - start)
        processors.append(time.process_time() - start_processors)
    return min(clock), min(processors)


def zone_maps() -> np.ndarray:
    """Zones of a face in the middle, float32 (6, 32, 32)."""
    maps = np.zeros((6, 32, 32), np.float32)
    maps[5], maps[5, 4:, 6:26] = 1, 0
    maps[3, 4:, 6:26], maps[3, 10:28, 9:23] = 1, 0
    maps[0, 10:28, 9:23] = 1
    return np.stack([scale.blur(zone, 1.0) for zone in maps])


def row(medium: Medium, pictures: dict[int, np.ndarray], runs: int) -> str:
    """One line of the table."""
    zones = zone_maps()
    found = [least(lambda p=p: apply(p, medium, zones=zones), runs) for p in pictures.values()]
    times = "  ".join(f"{clock:7.3f} {processors:7.3f}" for clock, processors in found)
    return f"{medium.kind:14}{times}  {found[-1][0] / found[0][0]:6.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=Path("examples/astronaut.png"))
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    rgb = image_io.read(options.photo).rgb.astype(np.float32) / 255
    pictures = {side: scale.resize(rgb, (side, side)).clip(0, 1) for side in SIDES}
    print(f"{'':14}" + "  ".join(f"{side:>7} {'(cpu)':>7}" for side in SIDES) + "   growth")
    for kind in KINDS.values():
        print(row(kind(), pictures, options.runs), flush=True)


if __name__ == "__main__":
    main()
