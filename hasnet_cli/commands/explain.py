"""`hasnet explain`: how an avatar was made, and the command that makes it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.remake import joined, parsed, printable, remake_words
from hasnet_models.avatar.provenance import KEYS
from hasnet_models.avatar.request import NO_DOMAIN
from hasnet_models.errors import DomainError, ImageError
from hasnet_models.filenames import STREAM

# Long and for machines: only in the JSON object.
_NOT_SHOWN = {"schema", "z_id", "weights"}


@click.command("explain")
@click.argument("picture", type=click.Path(allow_dash=True))
@json_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, picture: str, as_json: bool) -> None:
    """Say how an avatar was made, and how to make it again.

    PICTURE is an avatar made by hasnet, or - for standard input. On the same machine with the same
    weights the command that is printed gives the same pixels.
    """
    texts = _texts_of(picture)
    found = {key: texts[key] for key in KEYS if key in texts}
    if "version" not in found:
        raise ImageError(
            f"{picture} does not say how it was made.",
            "hasnet writes that into its own pictures, except BMP; other programs may remove it.",
        )
    remake = joined(remake_words(found, _again(picture)))
    changed, other_medium = _changes(found)
    if as_json:
        changes = {"changed_weights": changed, "changed_medium": other_medium}
        readable = {key: parsed(key, value) for key, value in found.items()}
        terminal.json({"record": readable, "command": remake, **changes})
        return
    for key, value in found.items():
        if key not in _NOT_SHOWN:
            terminal.result(f"{key:14}{printable(value)}")
    terminal.result(f"{'command':14}{remake}")
    if changed:
        terminal.note(f"Not the weights installed here: {', '.join(changed)}.")
    if other_medium:
        terminal.note("The medium has other parameters here.")


def _texts_of(picture: str) -> dict[str, str]:
    """What a file says; a clip's lie elsewhere where its suffix is that of a container."""
    from hasnet_models.video.target import CONTAINER_SUFFIXES

    if Path(picture).suffix.lower() in CONTAINER_SUFFIXES:
        from hasnet_models.video.writing import read_record

        return read_record(Path(picture))
    from hasnet_models import image_io

    return image_io.read_metadata(picture)


def _again(picture: str) -> str:
    made = Path("avatar.png" if picture == STREAM else Path(picture).name)
    return f"{made.stem}-again{made.suffix}"


def _changes(found: Mapping[str, str]) -> tuple[list[str], bool]:
    """What of a record is not here: its weights, and whether its medium is another."""
    from hasnet_models.avatar.provenance import changed_weights, is_other_medium

    domain = None
    if found.get("domain", NO_DOMAIN) != NO_DOMAIN:
        try:
            domain = factory.find_domains().get(found["domain"])
        except DomainError:
            return [f"domain {found['domain']}"], False
    return changed_weights(found, domain), is_other_medium(found, domain)
