"""`hasnet explain`: how an avatar was made, and the command that makes it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.flags import flag
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
    from hasnet_models import image_io

    found = image_io.read_metadata(picture)
    if "version" not in found:
        raise ImageError(
            f"{picture} does not say how it was made.",
            "hasnet writes that into its own pictures, except BMP; other programs may remove it.",
        )
    remake = shlex.join(remake_command(found, picture))
    changed, other_medium = _changes(found)
    if as_json:
        changes = {"changed_weights": changed, "changed_medium": other_medium}
        readable = {key: _parsed(key, value) for key, value in found.items()}
        terminal.json({"record": readable, "command": remake, **changes})
        return
    for key, value in found.items():
        if key not in _NOT_SHOWN:
            terminal.result(f"{key:14}{value}")
    terminal.result(f"{'command':14}{remake}")
    if changed:
        terminal.note(f"Not the weights installed here: {', '.join(changed)}.")
    if other_medium:
        terminal.note("The medium has other parameters here.")


def remake_command(found: Mapping[str, str], picture: str) -> list[str]:
    """The words of a command line that makes the avatar again, under another name."""
    options = _parsed("options", found.get("options", "{}"))
    photo = found.get("input", "PHOTO")
    words = ["hasnet", "avatar", f"./{photo}" if photo.startswith("-") else photo]
    if "ref" in options or found.get("domain") != NO_DOMAIN:
        words += ["--domain", found.get("domain", NO_DOMAIN)]
    if "ref" not in options and "mix" not in options:
        words += ["--reference", found.get("reference", "1")]
    if found.get("domain") != NO_DOMAIN and not {"medium", "medium_kind"} & {*found, *options}:
        words += ["--medium-kind", "none"]  # nobody named the domain, or it has one by now
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            words += [flag(name)] if one is True else [flag(name), str(one)]
    words += ["--device", found.get("device", "auto")]
    made = Path("avatar.png" if picture == STREAM else Path(picture).name)
    return [*words, "-o", f"{made.stem}-again{made.suffix}"]


def _parsed(key: str, value: str) -> Any:
    """A value of the record; those that hold JSON are read, a damaged one counts as empty."""
    if key == "palette":
        return value.split()
    if key not in ("options", "weights", "medium"):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


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
