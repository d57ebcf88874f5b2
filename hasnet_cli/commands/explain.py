"""`hasnet explain`: how an avatar was made, and the command that makes it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_cli.flags import flag
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.provenance import KEYS
from hasnet_models.avatar.request import NO_DOMAIN, RANDOM, Request
from hasnet_models.errors import DomainError, ImageError
from hasnet_models.filenames import STDIN, STREAM

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

    texts = image_io.read_metadata(picture)
    found = {key: texts[key] for key in KEYS if key in texts}
    if "version" not in found:
        raise ImageError(
            f"{picture} does not say how it was made.",
            "hasnet writes that into its own pictures, except BMP; other programs may remove it.",
        )
    remake = " ".join(map(_quoted, remake_command(found, picture)))
    changed, other_medium = _changes(found)
    if as_json:
        changes = {"changed_weights": changed, "changed_medium": other_medium}
        readable = {key: _parsed(key, value) for key, value in found.items()}
        terminal.json({"record": readable, "command": remake, **changes})
        return
    for key, value in found.items():
        if key not in _NOT_SHOWN:
            terminal.result(f"{key:14}{_printable(value)}")
    terminal.result(f"{'command':14}{remake}")
    if changed:
        terminal.note(f"Not the weights installed here: {', '.join(changed)}.")
    if other_medium:
        terminal.note("The medium has other parameters here.")


def remake_command(found: Mapping[str, str], picture: str) -> list[str]:
    """The words of a command line that makes the avatar again, under another name."""
    options = _known(_parsed("options", found.get("options", "{}")))
    words = ["hasnet", "avatar", _photo(found.get("input", "PHOTO"))]
    if "ref" in options or found.get("domain") != NO_DOMAIN:
        words += ["--domain", found.get("domain", NO_DOMAIN)]
    if "ref" not in options and "mix" not in options:
        words += _reference(found)
    if found.get("domain") != NO_DOMAIN and not {"medium", "medium_kind"} & {*found, *options}:
        words += ["--medium-kind", "none"]  # nobody named the domain, or it has one by now
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            words += [flag(name)] if one is True else [flag(name), str(one)]
    words += ["--device", found.get("device", "auto")]
    made = Path("avatar.png" if picture == STREAM else Path(picture).name)
    return [*words, "-o", f"{made.stem}-again{made.suffix}"]


def _photo(name: str) -> str:
    if name == STDIN:
        return STREAM
    return f"./{name}" if name.startswith("-") else name


def _reference(found: Mapping[str, str]) -> list[str]:
    """The one of all faces by its name; where each has its own, how they were chosen."""
    if "references" not in found:
        return ["--reference", found.get("reference", "1")]
    return ["--reference", RANDOM, "--seed", found["seed"]] if "seed" in found else []


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a record may hold: those of a request."""
    names = {field.name for field in (*fields(Request), *fields(Look))}
    return {name: value for name, value in options.items() if name in names}


def _printable(text: str) -> str:
    """A text of a file on one line, whatever is in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _quoted(word: str) -> str:
    """A word for a shell, on one line."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + _printable(word.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def _parsed(key: str, value: str) -> Any:
    """A value of the record; those that hold JSON are read, a damaged one counts as empty."""
    if key == "palette":
        return value.split()
    if key == "references":
        return _list(value)
    if key not in ("options", "weights", "medium"):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: str) -> list[Any]:
    try:
        found = json.loads(value)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


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
