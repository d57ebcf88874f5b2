"""The command that makes an avatar again, from the record that is in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from hasnet_cli.flags import flag
from hasnet_models.animation.names import ANIMATIONS
from hasnet_models.avatar.look import Look
from hasnet_models.avatar.request import NO_DOMAIN, RANDOM, Request
from hasnet_models.filenames import STDIN, STREAM

_OF_CLIPS = ("boil", "quality")


def remake_words(found: Mapping[str, str], output: str, *, now: bool = False) -> list[str]:
    """The words of a command line that makes the avatar of a record again, as the file `output`.

    Args:
        now: with what is installed at this moment, so that nothing has to be said against it.
    """
    options = _known(parsed("options", found.get("options", "{}")))
    clip = {k: v for k, v in parsed("clip", found.get("clip", "{}")).items() if k in _OF_CLIPS}
    words = ["hasnet", "video" if clip else "avatar", _photo(found.get("input", "PHOTO"))]
    if clip and not options.pop("paste", False):
        words += ["--crop"]
    if "ref" in options or found.get("domain") != NO_DOMAIN:
        words += ["--domain", found.get("domain", NO_DOMAIN)]
    if "ref" not in options and "mix" not in options:
        words += _reference(found)
    said = {"medium", "medium_kind"} & {*found, *options}
    if not now and found.get("domain") != NO_DOMAIN and not said:
        words += ["--medium-kind", "none"]  # nobody named the domain, or it has one by now
    for name, value in (options | clip).items():
        for one in value if isinstance(value, list) else [value]:
            words += [flag(name)] if one is True else [flag(name), str(one)]
    if found.get("animate") in ANIMATIONS:
        words += ["--animate", found["animate"]]
    words += ["--device", found.get("device", "auto")]
    words += ["--runtime", found.get("runtime", "torch")]  # before there were others
    return [*words, "-o", output]


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


def printable(text: str) -> str:
    """A text of a file on one line, whatever is in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def joined(words: Iterable[str]) -> str:
    """Words for a shell, on one line whatever is in them."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + printable(word.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def parsed(key: str, value: str) -> Any:
    """A value of the record; those that hold JSON are read, a damaged one counts as empty."""
    if key == "palette":
        return value.split()
    if key == "references":
        return _list(value)
    if key not in ("options", "weights", "medium", "clip"):
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
