"""Prove that `hasnet batch` survives being killed, does not grow, and keeps the networks busy.

    python tools/prove_batch.py kill --files 300 --kills 20
    python tools/prove_batch.py memory --files 2000
    python tools/prove_batch.py rate --files 200 --real

`kill` makes a folder of mixed photos (formats, modes, EXIF, nested, Unicode names, duplicates, bad
ones), runs a batch over it without interruption, runs another one that is killed with -9 at random
moments and started again, and compares outputs, records and inputs. `memory` watches the resident
memory of one long run, and the processor time that a photo takes along it. `rate` compares a batch
with its networks alone: the calls of some photos are made again, one after the other, when it is
over. The batch is the real command line in a process of its own; the networks are those of
tests/fakes.py with a little waiting, so that what is proved is the batch itself (`--real` takes the
installed ones, whatever they run in; the photos are then of the example portrait, cut, turned and
tinted in many ways).
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TESTS = Path(__file__).parents[1] / "tests"
PORTRAIT = Path(__file__).parents[1] / "examples" / "astronaut.png"
CHILD = "child"
MARKS = (10, 50, 100, 200, 500, 1000, 1500, 2000)  # photos at which a long run is looked at
AGAIN = 8  # photos whose calls of the networks are made again
NAMES = ("face", "лицо", "顔 [1]", "Ä b;c", "emoji \N{ARTIST PALETTE}", "quote'\"")
MODES = (("RGB", ".jpg"), ("RGB", ".png"), ("L", ".png"), ("RGBA", ".webp"), ("RGB", ".bmp"),
         ("P", ".gif"), ("CMYK", ".jpg"), ("RGB", ".tif"), ("LA", ".png"),
         ("1", ".png"))  # fmt: skip
here = threading.local()
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


def make_portraits(folder: Path, count: int, seed: int = 0) -> None:
    """Photos of about 1 megapixel, each with the example's face at another place, size and tint."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    whole = Image.open(PORTRAIT).convert("RGB")
    for i in range(count):
        side = int(rng.integers(400, 513))
        left, top = rng.integers(0, 513 - side), rng.integers(0, min(513 - side, 40) + 1)
        part = whole.crop((left, top, left + side, top + side)).resize((1024, 1024))
        pixels = np.asarray(part)[:, :: -1 if rng.random() < 0.5 else 1]
        pixels = (pixels * rng.uniform(0.75, 1.15, 3)).clip(0, 255).astype(np.uint8)
        (folder / f"{i:05}.jpg").write_bytes(encode(pixels, ".jpg", "RGB", 1)[0])


def make_noise(folder: Path, count: int) -> None:
    """Photos of 1 megapixel with nothing in them."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(count):
        small = rng.integers(60, 250, (15, 20, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(small).resize((1152, 864)))
        (folder / f"{i:05}.jpg").write_bytes(encode(pixels, ".jpg", "RGB", 1)[0])


class Batch:
    """One `hasnet batch` over a folder, as a process of its own.

    Args:
        wait: seconds that the networks take which only wait; None for the installed ones.
        timed: file for what the networks took.
    """

    def __init__(
        self, photos: Path, out: Path, *more: str, wait: float | None, timed: Path | None = None
    ) -> None:
        reference = photos.parent / "reference.png"
        if not reference.exists():
            Image.fromarray(np.full((40, 40, 3), (200, 120, 40), np.uint8)).save(reference)
        program = [__file__, CHILD, str(wait), str(timed)]
        if wait is None and timed is None:
            program = ["-m", "hasnet_cli.main"]
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


def prove_kill(folder: Path, files: int, kills: int, *, wait: float | None, seed: int) -> dict:
    """Raises AssertionError unless the killed and resumed batch equals the uninterrupted one."""
    photos, whole, broken = folder / "photos", folder / "whole", folder / "broken"
    make_photos(photos, files)
    before = hashes(photos)
    code, seconds = Batch(photos, whole, wait=wait).run()
    _, startup = Batch(photos, whole, wait=wait).run()  # all skipped
    batch = Batch(photos, broken, wait=wait)
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


def prove_memory(folder: Path, files: int, *, wait: float | None) -> dict:
    """Resident memory (MiB) along one run, and processor time (ms) of a photo from mark to mark."""
    photos, results = folder / "photos", folder / "out" / "results.jsonl"
    (make_noise if wait is not None else make_portraits)(photos, files)
    samples: list[tuple[int, float, float]] = []
    with Batch(photos, folder / "out", wait=wait).started() as process:
        while process.poll() is None:
            samples.append((_lines(results), _resident(process.pid), _processor(process.pid)))
            time.sleep(0.1)
    reached = [mark for mark in MARKS if mark < files] + [files]
    at = {mark: _at(samples, mark) for mark in reached}
    peak = max(mib for _, mib, _ in samples)
    return {
        "files": files,
        "failed": sum(record["status"] == "failed" for record in records(folder / "out")),
        "exit_code": process.returncode,
        "MiB_at": {mark: round(mib, 1) for mark, (_, mib, _) in at.items()},
        "MiB_peak": round(peak, 1),
        "MiB_grown_after_the_first_tenth": round(peak - _peak_until(samples, files // 10), 1),
        "ms_a_photo_from": {
            a: round(1000 * (at[b][2] - at[a][2]) / max(at[b][0] - at[a][0], 1), 1)
            for a, b in itertools.pairwise(reached)
        },
    }


def _at(samples: list[tuple[int, float, float]], mark: int) -> tuple[int, float, float]:
    """The last sample with no more photos done, of those in which the process still lived."""
    return [sample for sample in samples if sample[0] <= mark and sample[1]][-1]


def _peak_until(samples: list[tuple[int, float, float]], mark: int) -> float:
    return max(mib for done, mib, _ in samples if done <= mark)


def prove_rate(folder: Path, files: int, *, wait: float | None) -> dict:
    """How much of a batch's time its networks would take alone, by the clock and the processor."""
    photos, timed = folder / "photos", folder / "timed.json"
    (make_noise if wait is not None else make_portraits)(photos, files)
    code, _ = Batch(photos, folder / "out", wait=wait, timed=timed).run()
    found = json.loads(timed.read_text())
    failed = sum(record["status"] == "failed" for record in records(folder / "out"))
    return {"files": files, "failed": failed, "exit_code": code, **found}


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields.get("VmRSS", "0 kB").split()[0]) / 1024


def _processor(pid: int) -> float:
    """Seconds of processor time so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Timed:
    """Networks whose calls are noted: when the first ones were over, and some to be made again.

    What comes before `AGAIN` photos are done is warming up. Made again are, of so many photos, all
    calls of onnxruntime: those that find the face, its mesh and its person, and those that draw.
    What torch draws is made again as a whole.
    """

    def __init__(self, pipeline: Any) -> None:
        self.pipeline, self.render = pipeline, pipeline.render_many
        self.found = Replayed(pipeline.crops, lambda *_: 1)
        self.drawn = Replayed(pipeline.render_many, lambda faces, *_: len(faces))
        self.done, self.warm, self.start = 0, 0, (0.0, 0.0)
        pipeline.crops, pipeline.render_many = self.found, self._noted

    def _noted(self, faces: Sequence[Any], *args: Any) -> Any:
        found = self.drawn(faces, *args)
        if self.done < AGAIN:
            self.warm = self.done + len(faces)
            self.start = clocks()
        self.done += len(faces)
        return found

    def report(self) -> dict[str, float]:
        """Milliseconds a photo in the batch and of its networks alone, and their shares."""
        if self.done <= self.warm:
            raise SystemExit(f"{self.done} faces are too few: {AGAIN} of them are warming up.")
        batch = since(self.start, self.done - self.warm)
        alone = [sum(pair) for pair in zip(self.found.again(), self.drawn.again(), strict=True)]
        names = ("elapsed", "processor")
        return {
            **{f"ms_batch_{n}": round(1000 * v, 1) for n, v in zip(names, batch, strict=True)},
            **{f"ms_alone_{n}": round(1000 * v, 1) for n, v in zip(names, alone, strict=True)},
            **{f"rate_{n}": round(a / b, 3) for n, a, b in zip(names, alone, batch, strict=True)},
        }


class Replayed:
    """A function that calls networks: what its first calls asked of onnxruntime is kept.

    Args:
        photos: of how many a call is, from its arguments.
    """

    def __init__(self, call: Callable[..., Any], photos: Callable[..., int]) -> None:
        self._call, self._photos = call, photos
        self._kept: list[Callable[[], object]] = []
        self._of = 0

    def __call__(self, *args: Any) -> Any:
        if self._of >= AGAIN:
            return self._call(*args)
        self._of += self._photos(*args)
        with noted() as runs:
            found = self._call(*args)
        self._kept += runs or [functools.partial(self._call, *args)]
        return found

    def again(self) -> list[float]:
        """Seconds a photo of all that was kept, by both clocks."""
        before = clocks()
        for call in self._kept:
            call()
        return since(before, self._of)


@contextmanager
def noted() -> Iterator[list[Callable[[], object]]]:
    """What this thread asks of onnxruntime's sessions meanwhile, to be asked again."""
    here.runs = []
    try:
        yield here.runs
    finally:
        here.runs = None


def note_sessions() -> None:
    """From now on, sessions note what they are asked by a thread that is in `noted`."""
    import onnxruntime

    run = onnxruntime.InferenceSession.run

    def noting(session: Any, *args: Any) -> Any:
        runs = getattr(here, "runs", None)
        if runs is not None:
            runs.append(functools.partial(run, session, *args))
        return run(session, *args)

    onnxruntime.InferenceSession.run = noting


def clocks() -> tuple[float, float]:
    """Seconds by the clock, and of this process's processor time."""
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float], photos: int) -> list[float]:
    """Seconds a photo since then, by both clocks."""
    return [(now - then) / photos for now, then in zip(clocks(), start, strict=True)]


def child(wait: str, timed: str, arguments: list[str]) -> int:
    """`hasnet` with networks that only wait, unless that is None; timed where a file is given."""
    from hasnet_cli import factory
    from hasnet_cli.main import main as hasnet

    if wait != "None":
        pipeline = waiting(float(wait))
        factory.load_pipeline = lambda *_: pipeline
    if timed == "None":
        return hasnet(arguments)
    note_sessions()
    kept: list[Timed] = []
    load = factory.load_pipeline

    def load_timed(*args: Any, **options: Any) -> Any:
        kept.append(Timed(load(*args, **options)))
        return kept[0].pipeline

    factory.load_pipeline = load_timed
    code = hasnet(arguments)
    Path(timed).write_text(json.dumps(kept[0].report()))
    return code


def waiting(seconds: float) -> Any:
    """A pipeline without networks."""
    sys.path.insert(0, str(TESTS))
    from fakes import FakePipeline

    class Waiting(FakePipeline):
        def render(self, *args):
            time.sleep(seconds)
            return super().render(*args)

    return Waiting()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("proof", choices=["kill", "memory", "rate"])
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wait", type=float, default=0.02, help="seconds the networks take")
    parser.add_argument("--real", action="store_true", help="the installed networks")
    args = parser.parse_args()
    wait = None if args.real else args.wait
    with tempfile.TemporaryDirectory() as folder:
        if args.proof == "kill":
            found = prove_kill(Path(folder), args.files, args.kills, seed=args.seed, wait=wait)
        else:
            prove = prove_memory if args.proof == "memory" else prove_rate
            found = prove(Path(folder), args.files, wait=wait)
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        sys.exit(child(sys.argv[2], sys.argv[3], sys.argv[4:]))
    main()
