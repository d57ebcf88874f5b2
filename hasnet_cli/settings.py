"""Settings for every command: flag, then HASNET_* variable, ./hasnet.toml, the user's file.

A key of a file stands for the variable of the same name, and is put into the environment where
that variable is not set. So there is one way in for options (click's `envvar`), for the library,
and for the processes it starts.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hasnet_models.errors import UsageError
from hasnet_models.filenames import is_file
from hasnet_models.folders import user_folder

FILE_NAME = "hasnet.toml"
USER_FILE_NAME = "config.toml"
_PREFIX = "HASNET_"

# Key of a file -> what it may be. A list is for several names; a path may be relative to the file.
KEYS: Mapping[str, type] = {
    "device": str,
    "runtime": str,
    "threads": int,
    "backend": str,
    "domain": str,
    "progress": str,
    "quality": int,
    "max_pixels": int,
    "weights": Path,
    "mirrors": list,
    "plugins": list,
    "disable_plugins": list,
}
_origins: dict[str, Path] = {}  # of the variables that the files have set
_KIND_NAMES = {str: "string", int: "whole number", Path: "string", list: "list of strings"}


def variable(key: str) -> str:
    """The environment variable of a key."""
    return _PREFIX + key.upper()


def user_file() -> Path:
    """The user's own settings."""
    return user_folder("config") / USER_FILE_NAME


def read_files(folder: Path | None = None) -> dict[str, tuple[str, Path]]:
    """Variable -> (value, file) of the settings files; the folder's file before the user's.

    Args:
        folder: in place of the current one.

    Raises:
        UsageError: a file cannot be read, or has keys or values that mean nothing; all are named.
    """
    found: dict[str, tuple[str, Path]] = {}
    problems: list[str] = []
    for path in ((folder or Path()) / FILE_NAME, user_file()):
        for key, value in _table(path, problems).items():
            text = _text(key, value, path, problems)
            if text is not None:
                found.setdefault(variable(key), (text, path))
    if problems:
        raise UsageError(" ".join(problems), f"Keys: {', '.join(KEYS)}.")
    return found


@contextmanager
def applied() -> Iterator[None]:
    """Put the settings of the files into the environment, and take them out again.

    Raises:
        UsageError: as `read_files`.
    """
    _origins.clear()
    found = read_files()
    added = {name: text for name, (text, _) in found.items() if name not in os.environ}
    _origins.update({name: found[name][1] for name in added})
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def origin_of(name: str) -> str | None:
    """How a user knows the variable that a file set last: `'quality' in hasnet.toml`, or None."""
    path = _origins.get(name)
    return f"'{name.removeprefix(_PREFIX).lower()}' in {path}" if path else None


def with_origins(text: str) -> str:
    """A sentence about variables, those that a file has set called as they are there."""
    for name in _origins:
        text = re.sub(rf"\b{name}\b", str(origin_of(name)).replace("\\", r"\\"), text)
    return text


def unknown_variables(environ: Mapping[str, str], known: set[str]) -> list[str]:
    """A sentence for each HASNET_* variable that is set and not known."""
    strange = sorted(name for name in environ if name.startswith(_PREFIX) and name not in known)
    return [f"There is no variable {name}.{near_miss(name, known)}" for name in strange]


def near_miss(name: str, known: Any) -> str:
    """` Did you mean 'x'?`, or nothing where nothing known is like it."""
    import difflib

    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _table(path: Path, problems: list[str]) -> dict[str, Any]:
    if not is_file(path):
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        problems.append(f"{path} cannot be read: {' '.join(str(error).split())}.")
        return {}


def _text(key: str, value: Any, path: Path, problems: list[str]) -> str | None:
    """The value as the environment variable would have it; None where it is wrong."""
    kind = KEYS.get(key)
    if kind is None:
        problems.append(f"{path} has the unknown key '{key}'.{near_miss(key, KEYS)}")
    elif kind is list and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return ",".join(value)
    elif kind is Path and isinstance(value, str):
        return str((path.parent / Path(value).expanduser()).absolute())
    elif kind in (str, int) and type(value) is kind:
        return str(value)
    else:
        problems.append(f"{path} needs '{key}' as a {_KIND_NAMES[kind]}.")
    return None
