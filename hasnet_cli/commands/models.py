"""`hasnet models`: list, verify and pull the weight files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hasnet_cli.console import Terminal, json_option, progress_option, verbosity_options
from hasnet_models.errors import EXIT_OK, EXIT_WEIGHTS

if TYPE_CHECKING:
    from hasnet_models.weights.store import Model

_MEGABYTE = 1_000_000


@click.group("models", invoke_without_command=True)
@json_option
@verbosity_options
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List, check and fetch the weight files.

    Without a subcommand: the list, with licence and state of each.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command, as_json=as_json)


@command.command("list")
@json_option
@verbosity_options
@click.pass_obj
def list_command(terminal: Terminal, as_json: bool) -> None:
    """All weight files with size, licence and state."""
    from hasnet_models.weights import store

    found = store.models()
    if as_json:
        terminal.json({"models": [_row(model) for model in found]})
        return
    _print_table(terminal, found)


@command.command("verify")
@click.argument("names", nargs=-1)
@json_option
@verbosity_options
@click.pass_obj
def verify_command(terminal: Terminal, names: tuple[str, ...], as_json: bool) -> int:
    """Compare size and sha256 of the weight files with the list.

    NAMES are files, all where none is named. The exit code is 5 when one is missing or damaged.
    """
    from hasnet_models.weights import store

    found = store.chosen(store.models(), names)
    if as_json:
        terminal.json({"models": [_row(model) for model in found]})
    for model in found if not as_json else []:
        terminal.result(f"{model.status:8} {model.name}")
    bad = [model for model in found if model.status != store.PRESENT]
    if bad:
        terminal.note("`hasnet models pull` fetches what is missing or damaged.")
    return EXIT_WEIGHTS if bad else EXIT_OK


@command.command("pull")
@click.argument("names", nargs=-1)
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="A folder's address.")
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Where to put the files.")
@click.option("--force", is_flag=True, help="Also files that are in order.")
@progress_option
@verbosity_options
@click.pass_obj
def pull_command(
    terminal: Terminal, names: tuple[str, ...], mirrors: tuple[str, ...], folder: Path | None,
    force: bool,
) -> None:  # fmt: skip
    """Fetch weight files that are missing or damaged.

    NAMES are files, all where none is named. A file that was begun before is gone on with, and
    only a file with the right sha256 is taken. Mirrors are tried in turn: those of --mirror, of
    HASNET_MIRRORS, and the file's own.
    """
    from hasnet_models.weights import files, store

    found = store.chosen(store.models(), names)
    wanted = [model for model in found if force or model.status != store.PRESENT]
    target = folder or files.user_folder()
    for model in wanted:
        terminal.note(f"{model.name}: licence {model.licence}")
        with terminal.progress(model.size) as advance:
            path = store.pull(model, mirrors, target, advance)
        terminal.result(click.format_filename(path))
    if not wanted:
        terminal.note("All weight files are in order.")


def _row(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "status": model.status,
        "size": model.size,
        "sha256": model.sha256,
        "licence": model.licence,
        "origin": model.origin,
        "path": str(model.path),
        "mirrors": list(model.mirrors),
    }


def _print_table(terminal: Terminal, found: list[Model]) -> None:
    from rich.table import Table

    table = Table("file", "state", "MB", "sha256", "licence", box=None)
    for model in found:
        size = f"{model.size / _MEGABYTE:.1f}"
        table.add_row(model.name, model.status, size, model.sha256[:12], model.licence)
    for column in table.columns:
        column.overflow = "fold"
    terminal.show(table)
