"""`hasnet avatar`: one photo, one avatar."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.options import request_options
from hasnet_cli.output import (
    animated_file,
    check_streams,
    check_transparent,
    output_file,
    print_written,
)
from hasnet_cli.picture_options import quality_option
from hasnet_models.animation.names import ANIMATIONS
from hasnet_models.avatar.request import Request
from hasnet_models.controls.background_choice import TRANSPARENT
from hasnet_models.errors import UsageError
from hasnet_models.filenames import STREAM, fitting, numbered, stem_of

if TYPE_CHECKING:
    from hasnet_models.avatar.job import Job
    from hasnet_models.avatar.portrait import Portrait
    from hasnet_models.avatar.steps import Steps
    from hasnet_models.image_io import Photo


@click.command("avatar")
@click.argument("photo", type=click.Path(allow_dash=True))
@click.option(
    "-o", "--output", metavar="OUT", type=click.Path(allow_dash=True),
    help="File or folder.  [default: PHOTO-DOMAIN.png]",
)  # fmt: skip
@click.option(
    "--steps-out", metavar="PATH", type=click.Path(), help="Also write all stages side by side."
)
@click.option(
    "--animate", type=click.Choice(ANIMATIONS), help="A short loop: OUT.gif, .webp, .apng or .mp4."
)
@request_options
@quality_option
@json_option
@verbosity_options
@click.pass_obj
def command(
    terminal: Terminal, photo: str, output: str | None, steps_out: str | None,
    animate: str | None, quality: int, as_json: bool, request: Request,
) -> None:  # fmt: skip
    """Make an avatar of the face in a photo.

    PHOTO is a picture file, or - for standard input. The look comes from a domain (--domain), from
    a picture of your own (--ref), or from both: the picture's colours and identity with the
    domain's network. With --animate it moves.
    """
    started = time.perf_counter()
    request.check()
    check_streams(output, as_json)
    inputs = [photo, *request.files]

    from hasnet_models.memory import keep_memory_in_one_heap

    keep_memory_in_one_heap()
    where = request.device, request.backend, request.runtime
    ahead = factory.open_ahead(*where, request.embeds)
    click.get_current_context().call_on_close(ahead)
    target, steps_target = _targets(photo, output, steps_out, inputs, request, animate)

    from hasnet_cli.start import start_job
    from hasnet_models import image_io
    from hasnet_models.avatar.portrait import Portrait

    picture = image_io.read(photo)
    job = start_job(request, terminal)
    if animate:
        portraits, save = _animated(job, picture, animate)
    else:
        portraits, save = job.make_all(picture), Portrait.save
    for note in portraits[0].notes:
        terminal.note(f"{picture.name}: {note}")
    paths = _paths(target, len(portraits), inputs, request)
    for portrait, path in zip(portraits, paths, strict=True):
        terminal.detail(f"Reference {portrait.reference}.")
        save(portrait, path, quality)
    if steps_target:
        _write_steps(portraits[0].steps, steps_target)
    if as_json:
        facts = _facts(portraits, paths)
        terminal.json(facts | {"steps": steps_target, "seconds": _seconds_since(started)})
        return
    for path in paths:
        print_written(terminal, path)


def _targets(
    photo: str, output: str | None, steps_out: str | None, inputs: list[str], request: Request,
    animate: str | None = None,
) -> tuple[str, str | None]:
    """Where avatar and stages go, refused here if they cannot."""
    stem = stem_of(photo)
    if animate:
        name = fitting(stem, f"-{request.label}-{animate}.gif")
        target = animated_file(output, name, inputs, request)
    else:
        target = output_file(output, fitting(stem, f"-{request.label}.png"), inputs)
    steps_name = fitting(stem, "-steps.png")
    steps_target = output_file(steps_out, steps_name, inputs) if steps_out else None
    if target == steps_target:
        raise UsageError("The avatar and its steps need two different files.")
    if request.look.background.kind == TRANSPARENT:
        check_transparent(target)
    if request.several and target == STREAM:
        raise UsageError("Several avatars do not go to standard output; add --paste.")
    return target, steps_target


def _paths(target: str, count: int, inputs: list[str], request: Request) -> list[str]:
    """One file an avatar, numbered where a photo may give several."""
    if not request.several:
        return [target]
    names = [str(numbered(Path(target), number)) for number in range(1, count + 1)]
    return [output_file(name, "", inputs) for name in names]


def _animated(job: Job, photo: Photo, kind: str) -> tuple[list[Portrait], Callable[..., object]]:
    """The avatar of one face, and how its animation is saved."""
    from hasnet_models.animation import writing
    from hasnet_models.animation.kinds import frames_of
    from hasnet_models.avatar.moving import moving_portrait

    portrait, scene = moving_portrait(job, photo)

    def save(portrait: Portrait, path: str, quality: int) -> None:
        metadata = portrait.metadata | {"animate": kind}
        writing.write(frames_of(scene, kind), Path(path), quality=quality, metadata=metadata)

    return [portrait], save


def _facts(portraits: Sequence[Portrait], paths: Sequence[str]) -> dict[str, Any]:
    avatars = [
        {
            "output": path,
            "domain": portrait.domain,
            "reference": portrait.reference,
            "palette": list(portrait.palette),
            "seed": int(portrait.metadata["seed"]) if "seed" in portrait.metadata else None,
            "device": portrait.metadata["device"],
        }
        for portrait, path in zip(portraits, paths, strict=True)
    ]
    return {"avatars": avatars, "notes": list(portraits[0].notes)}


def _seconds_since(start: float) -> float:
    return round(time.perf_counter() - start, 3)


def _write_steps(steps: Steps, path: str) -> None:
    import numpy as np

    from hasnet_models import image_io
    from hasnet_models.avatar.steps import stages

    image_io.write(np.concatenate(stages(steps), axis=1), path)
