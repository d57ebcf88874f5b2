"""What the commands that write a domain's package have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hasnet_models.authoring.wanted import Wanted

_FOLDER = click.Path(file_okay=False, path_type=Path)


def package_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add NAME and what its package says to a command, which gets them as `wanted`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        names = ("name", "parent", "title", "licence")
        wanted = Wanted(**{name: kwargs.pop(name) for name in names})
        return function(*args, wanted=wanted, **kwargs)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


_OPTIONS = (
    click.argument("name", metavar="NAME"),
    click.option(
        "-o", "--output", "parent", metavar="DIR", type=_FOLDER, default=Path(),
        help="Where the package's folder is put.  [default: here]",
    ),
    click.option("--title", metavar="TEXT", help="A few words for people.  [default: the name]"),
    click.option(
        "--licence", metavar="TEXT", help="Terms of the vectors.  [default: not stated]"
    ),
)  # fmt: skip
