"""`hasnet video`: a clip, each frame an avatar."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_cli.options import request_options_of
from hasnet_cli.picture_options import quality_option
from hasnet_models.avatar.request import Request
from hasnet_models.errors import EXIT_OK, EXIT_SOME_FAILED

if TYPE_CHECKING:
    from hasnet_models.video.run import Run

OFF = "off"
_GPU_BATCH = 8
_MOST_DRAWINGS = 60.0


class Boil(click.ParamType):
    """How often a second the medium is drawn anew; "off" is 0."""

    name = "boil"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "12|off"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if value == OFF:
            return 0.0
        try:
            found = float(value)
        except ValueError:
            found = -1.0
        if not 0 <= found <= _MOST_DRAWINGS:
            self.fail(f"{value!r} is neither off nor a number up to {_MOST_DRAWINGS:g}.", param)
        return found


@click.command("video")
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="OUT", required=True, type=click.Path(path_type=Path),
    help="A .mp4, .mov, .mkv, .webm, .gif, .png or .webp file, or a folder.",
)
@click.option(
    "--boil", type=Boil(), default=OFF,
    help="Draw strokes and grain anew so often a second; off: they move with the face (default).",
)
@click.option(
    "--fps", type=click.FloatRange(min=0.1, max=1000), default=25.0, metavar="N",
    help="Frames a second of a folder.  [default: 25]",
)
@request_options_of(paste=True)
@quality_option
@json_option
@progress_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, clip: Path, output: Path, boil: float, fps: float, quality: int,
    as_json: bool, request: Request,
) -> int:  # fmt: skip
    """Make an avatar of each frame of a clip.

    CLIP is a video, an animated GIF, PNG or WebP, or a folder of frames. Faces are followed: each
    person keeps its reference. Sound and subtitles are copied. What a run that was interrupted has
    done can be played, and the same command goes on from there. The exit code is 3 where a part of
    CLIP could not be read.
    """
    started = time.perf_counter()
    from hasnet_models.video import run as video
    from hasnet_models.video.reading import digest_of, open_clip
    from hasnet_models.video.target import Target

    request.check()
    target = Target.of(output)
    video.check(request, target, clip)
    source = open_clip(clip, Fraction(fps).limit_denominator(1001))
    try:
        from hasnet_cli.start import start_job
        from hasnet_models.memory import keep_memory_mapped

        keep_memory_mapped()
        job = start_job(video.with_earlier_seed(request, target), terminal)
        batch = 1 if job.pipeline.device == "cpu" else _GPU_BATCH
        options = video.Options(boil, quality, batch)
        run = video.Run(job, source, target, digest_of(clip), options, terminal.note)
        with terminal.progress(source.info.frames) as run.advance:
            run.work()
    finally:
        source.close()
    return _outcome(terminal, run, as_json, time.perf_counter() - started)


def _outcome(terminal: Terminal, run: Run, as_json: bool, seconds: float) -> int:
    """The result on standard output, what was wrong with the source, the exit code."""
    damage = run.clip.damage
    for sentence in damage:
        terminal.say(sentence)
    if as_json:
        facts = {"frames": run.frames, "earlier": run.earlier, "notes": damage}
        terminal.json(
            {"output": str(run.target.path), **facts, "seconds": round(seconds, 3)}
        )
    else:
        terminal.result(click.format_filename(run.target.path))
    return EXIT_SOME_FAILED if damage else EXIT_OK
