"""What plugins give beside domains: face detectors, commands, rows of the installation's report.

A spec says how a thing is called and how to load it; nothing is loaded before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hasnet_models.errors import EXIT_FAILED

OK, NOTE, FAILED = "ok", "note", "failed"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_LARGEST_EXIT_CODE = 255


@dataclass(frozen=True)
class DetectorSpec:
    """A face detector.

    Args:
        name: what the user chooses it by: lower-case letters, digits, '-' and '_'.
        load: gives a `hasnet_models.plugins.detectors.Detector`; may raise a HasnetError.

    Raises:
        ValueError: a name of another form, or nothing to call.
    """

    name: str
    load: Callable[[], Any]

    def __post_init__(self) -> None:
        _require_name(self.name)
        _require(callable(self.load), "'load' is to be called")


@dataclass(frozen=True)
class CommandSpec:
    """A subcommand of `hasnet`.

    Args:
        name: lower-case letters, digits, '-' and '_'.
        help: what it does, in one line.
        load: gives the `click.Command`; called when the command is used, not for help.

    Raises:
        ValueError: a name of another form, help of several lines, or nothing to call.
    """

    name: str
    help: str
    load: Callable[[], Any]

    def __post_init__(self) -> None:
        _require_name(self.name)
        one_line = isinstance(self.help, str) and "\n" not in self.help
        _require(one_line, "'help' is one line")
        _require(callable(self.load), "'load' is to be called")


@dataclass(frozen=True)
class Check:
    """One row of the report on an installation.

    Args:
        section: what it is listed under: "versions", "devices", "weights", "plugins", "folders",
            "settings", or a word of the plugin's own.
        status: "ok", "note" (worth knowing) or "failed".
        exit_code: what the program ends with when this is the first failure, 1 to 255.
        more: further lines, such as a traceback.

    Raises:
        ValueError: another status, exit code or type.
    """

    section: str
    name: str
    status: str
    detail: str
    exit_code: int = EXIT_FAILED
    more: str = ""

    def __post_init__(self) -> None:
        texts = (self.section, self.name, self.detail, self.more)
        _require(all(isinstance(text, str) for text in texts), "its texts are strings")
        _require(self.status in (OK, NOTE, FAILED), f"its status is {OK}, {NOTE} or {FAILED}")
        code = self.exit_code
        is_code = isinstance(code, int) and 0 < code <= _LARGEST_EXIT_CODE
        _require(is_code, f"its exit code is 1 to {_LARGEST_EXIT_CODE}")


def _require_name(name: object) -> None:
    fits = isinstance(name, str) and _NAME.fullmatch(name)
    _require(bool(fits), f"a name has lower-case letters, digits, '-' and '_', unlike {name!r:.80}")


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)
