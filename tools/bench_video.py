"""Clips made from photos: their flicker, and frames a second against the photos of `batch`.

    python tools/bench_video.py FACES... [--domain sketch] [--frames 24] [--keep DIR]

FACES are at least two aligned photos of faces. From them come clips in which one zooms, turns, has
its light changed, two are side by side, one cuts to the other. `--keep` leaves clips and results.
`--compare` also measures the flicker without steadying. The rate is of the same frames and the
same job by `video` and, as single photos, by `batch`, one after the other, the best of `--runs`;
that of the processor's time tells something on a busy machine too.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from hasnet_models import batch, image_io
from hasnet_models.avatar.job import Job
from hasnet_models.avatar.pipeline import AvatarPipeline
from hasnet_models.avatar.request import Request
from hasnet_models.face.choice import FaceChoice
from hasnet_models.opencv import cv2
from hasnet_models.plugins import discover
from hasnet_models.video import flicker, steadying
from hasnet_models.video.reading import digest_of, open_clip
from hasnet_models.video.run import Options, Run
from hasnet_models.video.target import Target

WIDTH, HEIGHT = 384, 288
RATE = 25


def placed(face: np.ndarray, matrix: np.ndarray, noise: np.random.Generator) -> np.ndarray:
    """A frame with a face on a ground, under a matrix (3, 3), with the noise of a camera."""
    ground = cv2.GaussianBlur(cv2.resize(face, (WIDTH, HEIGHT)), (0, 0), 12)
    whole = cv2.warpPerspective(face, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    mask = cv2.warpPerspective(np.full(face.shape[:2], 255, np.uint8), matrix, (WIDTH, HEIGHT))
    share = cv2.GaussianBlur(mask, (0, 0), 2)[..., None] / 255
    mixed = ground + share * (whole.astype(np.float32) - ground)
    return (mixed + noise.normal(0, 1.5, mixed.shape)).clip(0, 255).astype(np.uint8)


def frame_matrix(side: int, scale: float, x: float, y: float, turn: float = 0.0) -> np.ndarray:
    """A face of `side` px about (x, y), turned by `turn` radians about its upright axis."""
    far = 3.0 * side
    centre = np.array([[1, 0, -side / 2], [0, 1, -side / 2], [0, 0, 1]])
    turned = np.array([[np.cos(turn), 0, 0], [0, 1, 0], [-np.sin(turn) / far, 0, 1]])
    place = np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])
    return place @ turned @ centre


Make = Callable[[list[np.ndarray], float, np.random.Generator], np.ndarray]


def _one(face: np.ndarray, scale: float, noise, turn: float = 0.0, x: float = 0.0) -> np.ndarray:
    place = (WIDTH / 2 + x, HEIGHT / 2)
    return placed(face, frame_matrix(len(face), scale * HEIGHT / len(face), *place, turn), noise)


def _light(faces: list[np.ndarray], t: float, noise) -> np.ndarray:
    frame = _one(faces[0], 0.9, noise).astype(np.float32)
    side = 1 + 0.35 * np.sin(2 * np.pi * t) * np.linspace(-1, 1, WIDTH)[None, :, None]
    return (frame * side * (1 - 0.25 * t)).clip(0, 255).astype(np.uint8)


def _two(faces: list[np.ndarray], t: float, noise) -> np.ndarray:
    halves = [_one(face, 0.65, noise, 0.3 * np.sin(3 * t), 8 * t) for face in faces[:2]]
    quarter = WIDTH // 4
    return np.concatenate([half[:, quarter:-quarter] for half in halves], 1)


CLIPS: dict[str, Make] = {
    "zoom": lambda faces, t, noise: _one(faces[0], 0.7 + 0.4 * t, noise),
    "turn": lambda faces, t, noise: _one(faces[0], 0.9, noise, 0.5 * np.sin(3 * t)),
    "light": _light,
    "two": _two,
    "cut": lambda faces, t, noise: _one(faces[int(t >= 0.24)], 0.8 + 0.2 * t, noise),
}


def make_clip(path: Path, make: Make, faces: list[np.ndarray], count: int) -> Path:
    """A clip of `count` frames, whose movements depend on the time in seconds alone."""
    noise = np.random.default_rng(0)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(count):
            rgb = make(faces, number / RATE, noise)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def frames_of(path: Path) -> Iterator[np.ndarray]:
    """Its pictures."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def timed(work: Callable[[], None]) -> np.ndarray:
    """Seconds of the clock and of the processor."""
    start = time.perf_counter(), time.process_time()
    work()
    return np.array([time.perf_counter(), time.process_time()]) - start


def draw(job: Job, source: Path, out: Path) -> None:
    """Draw a clip."""
    clip = open_clip(source)
    Run(job, clip, Target.of(out), digest_of(source), Options()).work()
    clip.close()


def draw_photos(job: Job, photos: Path, out: Path) -> None:
    """The same frames as photos of a batch."""
    plan = batch.Plan(photos, out)
    items = batch.checked_items(plan, {}, False)
    with batch.opened(plan) as ledger:
        engine = batch.Engine(job, out, ledger.known, print)
        batch.Run(plan, ledger, engine).work(items)


def print_flicker(
    job: Job, clips: dict[str, Path], folder: Path, shares: Sequence[float]
) -> None:
    """The table of flicker, a row for each clip and share that is kept of the avatar before."""
    print(f"{'clip':8}{'kept':>6}{'source':>8}{'drawn':>8}{'ratio':>8}")
    usual = steadying.KEPT
    for name, source in clips.items():
        for steadying.KEPT in shares:
            kept = f"{steadying.KEPT:g}"
            out = folder / f"{name}-{job.request.domain}-{kept}.mp4"
            draw(job, source, out)
            found = flicker.measure(frames_of(source), frames_of(out))
            print(
                f"{name:8}{kept:>6}{found.source:8.2f}{found.drawn:8.2f}{found.ratio:8.2f}",
                flush=True,
            )
    steadying.KEPT = usual


def print_rate(job: Job, clip: Path, folder: Path, runs: int) -> None:
    """Frames a second of both, and their ratio, by the clock and by the processor's time."""
    photos = folder / "photos"
    photos.mkdir()
    for number, rgb in enumerate(frames_of(clip)):
        image_io.write(rgb, photos / f"{number:04d}.png")
    count, best = len(list(photos.iterdir())), np.full((2, 2), np.inf)
    for number in range(runs):
        ways = (
            functools.partial(draw, job, clip, folder / "rate.mp4"),
            functools.partial(draw_photos, job, photos, folder / f"batch-{number}"),
        )
        best = np.minimum(best, [timed(way) for way in ways])
    for name, (video, photo) in zip(("clock", "processor"), count / best.T, strict=True):
        print(f"{name}: video {video:.2f}/s, batch {photo:.2f}/s, ratio {video / photo:.2f}")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=Path, nargs="+")
    parser.add_argument("--domain", default="sketch")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--clips", default=",".join(CLIPS))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    faces = [image_io.read(path).rgb for path in options.faces]
    names = options.clips.split(",")
    clips = {
        name: make_clip(folder / f"{name}.mp4", CLIPS[name], faces, options.frames)
        for name in names
    }
    pipeline = AvatarPipeline.load("cpu")
    request = Request(domain=options.domain, paste=True, face=FaceChoice("all"))
    job = Job.start(request, discover(), lambda *_: pipeline, print)
    shares = (steadying.KEPT, 0.0) if options.compare else (steadying.KEPT,)
    print_flicker(job, clips, folder, shares)
    if options.runs:
        print_rate(job, clips[names[0]], folder, options.runs)
    if not options.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
