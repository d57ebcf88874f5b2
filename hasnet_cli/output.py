"""Where results go: refused before any work where they cannot be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli import streams
from hasnet_cli.console import Terminal
from hasnet_cli.streams import STDOUT
from hasnet_models.errors import ImageError, UsageError
from hasnet_models.filenames import STREAM, first_same, is_folder

if TYPE_CHECKING:
    from hasnet_models.avatar.request import Request


def output_file(out: str | None, default_name: str, inputs: Iterable[str] = ()) -> str:
    """The file to write: `out`, or `default_name` in the folder `out` or the current one.

    Args:
        out: a file, a folder, "-" for standard output, or None.
        inputs: files that must not be written over, under whatever name; "-" among them is
            standard input.

    Raises:
        UsageError: its folder does not exist, it is no picture format, or it is an input.
        ImageError: it cannot be written.
    """
    if out == STREAM:
        if STDOUT in streams.closed:
            raise UsageError("Standard output is closed; give a file as output.")
        return STREAM
    path = Path(out) if out else Path(default_name)
    if is_folder(path):
        path = path / default_name
    if first_same(path, inputs):
        raise UsageError(f"{path} is an input; it is never written over.")

    from hasnet_models import image_io

    image_io.check_writable(path)
    return str(path)


def animated_file(
    out: str | None, default_name: str, inputs: Iterable[str], request: Request
) -> str:
    """As `output_file`, for an animation.

    Raises:
        UsageError: also where the request cannot be animated, or the file not hold it.
    """
    from hasnet_models.animation.names import MP4, check_animated
    from hasnet_models.atomic import check_replaceable
    from hasnet_models.avatar.moving import check_moving

    check_moving(request)
    if out == STREAM:
        raise UsageError("An animation does not go to standard output.")
    path = Path(out) if out else Path(default_name)
    path = path / default_name if is_folder(path) else path
    check_animated(path)
    if first_same(path, inputs):
        raise UsageError(f"{path} is an input; it is never written over.")
    if path.suffix.lower() == MP4:
        from hasnet_models.animation.writing import check_mp4

        check_mp4()
    if not is_folder(path.parent):
        raise UsageError(f"There is no folder {path.parent} to write {path.name} into.")
    try:
        check_replaceable(path)
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {error.strerror}.") from error
    return str(path)


def check_transparent(path: str) -> None:
    """Raises UsageError where the format of a file to be written cannot be transparent."""
    from hasnet_models import image_io

    image_io.check_alpha(Path(path))


def print_written(terminal: Terminal, path: str, facts: Mapping[str, Any] | None = None) -> None:
    """The name of what was written is the result, unless the picture itself went there.

    Args:
        facts: for --json: printed as one object, with the name as `output`.
    """
    if facts is not None:
        terminal.json({"output": path, **facts})
    elif path != STREAM:
        terminal.result(click.format_filename(path))


def check_streams(output: str | None, as_json: bool) -> None:
    """Raises UsageError where picture and object would both go to standard output."""
    if as_json and output == STREAM:
        raise UsageError("--json and -o - both want standard output.")

