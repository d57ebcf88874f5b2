"""Prove that `hasnet batch` survives being killed, and that its memory does not grow.

    python tools/prove_batch.py kill --files 300 --kills 20
    python tools/prove_batch.py memory --files 2000

`kill` makes a folder of mixed photos (formats, modes, EXIF, nested, Unicode names, duplicates, bad
ones), runs a batch over it without interruption, runs another one that is killed with -9 at random
moments and started again, and compares outputs, records and inputs. `memory` watches the resident
memory of one long run. The batch is the real command line in a process of its own; the networks
are those of tests/fakes.py with a little waiting, so that what is proved is the batch itself
(`--real` takes the installed ones).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

TESTS = Path(__file__).parents[1] / "tests"
CHILD = "child"
NAMES = ("face", "лицо", "顔 [1]", "Ä b;c", "emoji \N{ARTIST PALETTE}", "quote'\"")
MODES = (("RGB", ".jpg"), ("RGB", ".png"), ("L", ".png"), ("RGBA", ".webp"), ("RGB", ".bmp"),
         ("P", ".gif"), ("CMYK", ".jpg"), ("RGB", ".tif"), ("LA", ".png"),
         ("1", ".png"))  # fmt: skip
STARTUP_SHARE = 0.1  # of the kills that come before the first photo


def make_photos(folder: Path, count: int, seed: int = 0, side: int = 48) -> None:
    """Mixed photos; one in eight is bad, one in ten a duplicate, a third lies deeper."""
    rng = np.random.default_rng(seed)
    contents: list[tuple[bytes, str]] = []
    for i in range(count):
        if contents and rng.random() < 0.1:
            data, suffix = contents[rng.integers(len(contents))]
        else:
            data, suffix = _photo(i, rng, side)
            contents.append((data, suffix))
        where = folder.joinpath(*(["deep", "er, still"][: rng.integers(3)]), f"d{i % 4}")
        where.mkdir(parents=True, exist_ok=True)
        (where / f"{NAMES[i % len(NAMES)]} {i}{suffix}").write_bytes(data)


def _photo(i: int, rng: np.random.Generator, side: int) -> tuple[bytes, str]:
    if i % 8 == 3:
        return _bad(i // 8 % 5, rng), ".jpg"
    mode, suffix = MODES[i % len(MODES)]
    width, height = (int(n) for n in rng.integers(side // 2 + 15, side + 30, 2))
    level = rng.integers(40, 255)
    pixels = rng.integers(0, 40, (height, width, 3)) + level - 39
    return encode(pixels.clip(0, 255).astype(np.uint8), suffix, mode, int(rng.integers(1, 9)))


def encode(pixels: np.ndarray, suffix: str, mode: str, orientation: int) -> tuple[bytes, str]:
    """The bytes of a picture file and its suffix."""
    import io

    image = Image.fromarray(pixels).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    options = {"exif": exif} if suffix in (".jpg", ".png", ".webp", ".tif") else {}
    image.save(buffer, Image.registered_extensions()[suffix], **options)
    return buffer.getvalue(), suffix


def _bad(kind: int, rng: np.random.Generator) -> bytes:
    good, _ = encode(rng.integers(0, 255, (30, 30, 3), dtype=np.uint8), ".jpg", "RGB", 1)
    black, _ = encode(np.zeros((20, 20, 3), np.uint8), ".png", "RGB", 1)
    breaks, _ = encode(np.full((20, 13, 3), 200, np.uint8), ".png", "RGB", 1)
    return (b"", b"no picture at all", good[: len(good) // 2], black, breaks)[kind]


class Batch:
    """One `hasnet batch` over a folder, as a process of its own."""

    def __init__(self, photos: Path, out: Path, *more: str, wait: float, real: bool) -> None:
        reference = photos.parent / "reference.png"
        if not reference.exists():
            Image.fromarray(np.full((40, 40, 3), (200, 120, 40), np.uint8)).save(reference)
        program = ["-m", "hasnet_cli.main"] if real else [__file__, CHILD, str(wait)]
        self.command = [sys.executable, *program, "batch", str(photos), "--ref", str(reference),
                        "--domain", "none", "-o", str(out), "-q", *more]  # fmt: skip

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen]:
        paths = [str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        with subprocess.Popen(self.command, env=environment, **streams) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self) -> tuple[int, float]:
        """Exit code and seconds."""
        start = time.perf_counter()
        with self.started() as process:
            _, errors = process.communicate()
        assert b"Traceback" not in errors, errors.decode()
        return process.returncode, time.perf_counter() - start

    def killed_after(self, seconds: float) -> bool:
        """Whether it was still at work then."""
        with self.started() as process:
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                return True
        return False


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of each file below a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def records(out: Path) -> list[dict]:
    """results.jsonl without what may differ between two runs."""
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if k not in ("seconds", "output")}
        for line in lines
    ]


def prove_kill(folder: Path, files: int, kills: int, *, wait: float, real: bool, seed: int) -> dict:
    """Raises AssertionError unless the killed and resumed batch equals the uninterrupted one."""
    photos, whole, broken = folder / "photos", folder / "whole", folder / "broken"
    make_photos(photos, files)
    before = hashes(photos)
    code, seconds = Batch(photos, whole, wait=wait, real=real).run()
    _, startup = Batch(photos, whole, wait=wait, real=real).run()  # all skipped
    batch = Batch(photos, broken, wait=wait, real=real)
    chance = random.Random(seed)
    hits, torn = 0, 0
    for _ in range(kills):
        early = chance.random() < STARTUP_SHARE
        share = 2 * max(seconds - startup, 0.5) / kills
        hits += batch.killed_after(chance.random() * (startup if early else share)
                                   + (0 if early else 0.8 * startup))  # fmt: skip
        torn += len(list(broken.rglob(".hasnet-*.tmp")))
    again, _ = batch.run()
    assert again == code, f"exit code {again}, {code} without interruption"
    assert hashes(photos) == before, "an input changed"
    left, right = hashes(whole), hashes(broken)
    left.pop("results.jsonl"), right.pop("results.jsonl")
    assert left == right, f"outputs differ: {sorted(set(left.items()) ^ set(right.items()))[:5]}"
    assert records(whole) == records(broken), "the records differ"
    failed = sum(record["status"] == "failed" for record in records(whole))
    return {"files": files, "outputs": len(left), "failed": failed, "exit_code": code,
            "kills": kills, "still_at_work": hits, "temporary_files_seen": torn,
            "seconds_uninterrupted": round(seconds, 2)}  # fmt: skip


def prove_memory(folder: Path, files: int, *, wait: float, real: bool) -> dict:
    """Resident memory (MiB) along one run over photos of 1 megapixel."""
    photos = folder / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for i in range(files):
        small = rng.integers(60, 250, (15, 20, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(small).resize((1152, 864)))
        (photos / f"{i:05}.jpg").write_bytes(encode(pixels, ".jpg", "RGB", 1)[0])
    samples: list[tuple[int, float]] = []
    with Batch(photos, folder / "out", wait=wait, real=real).started() as process:
        while process.poll() is None:
            samples.append((_lines(folder / "out" / "results.jsonl"), _resident(process.pid)))
            time.sleep(0.1)
    marks = {}
    for share in (0.1, 0.25, 0.5, 0.75, 1.0):
        near = [mib for done, mib in samples if 0 < done <= share * files and mib]
        marks[f"{share:.0%}"] = round(np.mean(near[-5:]), 1)
    peak = round(max(mib for _, mib in samples), 1)
    return {"files": files, "exit_code": process.returncode, "MiB_at": marks, "MiB_peak": peak}


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields.get("VmRSS", "0 kB").split()[0]) / 1024


def child(wait: float, arguments: list[str]) -> int:
    """`hasnet` with networks that only wait."""
    sys.path.insert(0, str(TESTS))
    from fakes import FakePipeline

    from hasnet_cli import factory
    from hasnet_cli.main import main as hasnet

    class Waiting(FakePipeline):
        def render(self, *args):
            time.sleep(wait)
            return super().render(*args)

    pipeline = Waiting()
    factory.load_pipeline = lambda device, backend: pipeline
    return hasnet(arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("proof", choices=["kill", "memory"])
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wait", type=float, default=0.02, help="seconds the networks take")
    parser.add_argument("--real", action="store_true", help="the installed networks")
    args = parser.parse_args()
    common = {"wait": args.wait, "real": args.real}
    with tempfile.TemporaryDirectory() as folder:
        if args.proof == "kill":
            found = prove_kill(Path(folder), args.files, args.kills, seed=args.seed, **common)
        else:
            found = prove_memory(Path(folder), args.files, **common)
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        sys.exit(child(float(sys.argv[2]), sys.argv[3:]))
    main()
