"""Prove that the memory of `hasnet video` does not grow with the length of a film.

    python tools/prove_video.py --seconds 3600 --rate 2

makes a film of coloured squares (shots of one, of another, of both and of nobody; sound and
subtitles), draws it by the command line in a process of its own, and prints its resident memory
along the way, as JSON. The networks are those of tests/clips.py, which see a face in each square
and draw nothing: what is proved is the clip's own work. A film of an hour at two frames a second
has as many pieces, shots and minutes of sound as one at 25, and the same frames on their way.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
CHILD = "child"
SHOT = 40.0  # seconds
MARKS = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)  # shares of the film at which it is looked at


class Film(Sequence[np.ndarray]):
    """Frames that are made when they are asked for.

    Args:
        seconds: of the film.
        rate: frames a second.
    """

    def __init__(self, seconds: float, rate: int) -> None:
        self.count, self.rate = round(seconds * rate), rate

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> np.ndarray:
        from clips import BLUE, RED, frame

        if number >= self.count:
            raise IndexError(number)
        shot, seconds = divmod(number / self.rate, SHOT)
        there = 8 + 12 * np.sin(seconds)
        red, blue = (RED, 20 + there, 20 + there / 4), (BLUE, 90 + there / 2, 24)
        seen = ((red,), (blue,), (red, blue), ())[int(shot) % 4]
        ground = (40 + 60 * (int(shot) % 2), 60, 80 + 40 * (int(shot) % 3))
        return frame(*seen, ground=ground)


def make_film(path: Path, seconds: float, rate: int) -> None:
    """Write a film with sound and, each minute, a subtitle."""
    import clips

    film = Film(seconds, rate)
    minutes = range(int(seconds // 60) + 1)
    subtitles = [(f"minute {minute}", minute * 60_000 + 500, 2_000) for minute in minutes]
    clips.write(path, film, rate=rate, sound=True, subtitles=subtitles)


def draw(film: Path, out: Path, report: Path) -> int:
    """Draw the film in this process; the report has (frames, MiB) as often as one is done."""
    import clips

    from hasnet_cli import factory
    from hasnet_cli.console import Terminal
    from hasnet_cli.main import main

    class Nothing(clips.Squares):
        """Keeps no list of what it drew."""

        def render(self, face, reference, domain, look):
            found = super().render(face, reference, domain, look)
            self.rendered.clear()
            self.looks.clear()
            return found

    with report.open("w") as lines:

        @contextmanager
        def watched(_terminal: Terminal, _total: int) -> Iterator[Callable[..., None]]:
            """In place of a progress bar."""
            done = 0

            def advance(count: int = 0) -> None:
                nonlocal done
                done += count
                print(json.dumps((done, round(resident(), 2))), file=lines, flush=True)

            yield advance
            advance()  # the film is put together

        factory.load_pipeline = lambda *_: Nothing()
        Terminal.progress = watched
        reference = ROOT / "examples" / "astronaut.png"
        asked = ["video", str(film), "--ref", str(reference), "--domain", "none", "--face", "all"]
        return main([*asked, "-o", str(out)])


def resident() -> float:
    """Resident memory of this process, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def prove(folder: Path, seconds: float, rate: int) -> dict:
    """Draw a film, and say what its memory was."""
    film, out, report = (folder / name for name in ("film.mkv", "out.mkv", "report.jsonl"))
    make_film(film, seconds, rate)
    code = subprocess.call([sys.executable, __file__, CHILD, str(film), str(out), str(report)])
    samples = [json.loads(line) for line in report.read_text().splitlines()]
    frames = samples[-1][0]
    tenth = max(mib for done, mib in samples if done <= frames / 10)
    return {
        "exit_code": code,
        "seconds": seconds,
        "frames": frames,
        "MiB_at_frame": dict(samples[round(mark * frames) - 1] for mark in MARKS),
        "MiB_when_put_together": samples[-1][1],
        "MiB_peak": max(mib for _, mib in samples),
        "MiB_grown_after_the_first_tenth": round(max(mib for _, mib in samples) - tenth, 1),
    }


def main() -> None:
    """Print the figures."""
    if sys.argv[1:2] == [CHILD]:
        film, out, report = map(Path, sys.argv[2:])
        sys.exit(draw(film, out, report))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--rate", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(prove(Path(folder), options.seconds, options.rate), indent=1))


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    main()
