"""`hasnet study`: the paper's user study as a local web page, and the table of its scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_models.errors import UsageError

if TYPE_CHECKING:
    from hasnet_models.study.items import Study
    from hasnet_models.study.table import Interval, Row

_RUN = "run"


class StudyGroup(click.Group):
    """A group whose first word may be a folder: `study DIR` is `study run DIR`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            args = [_RUN, *args]
        return super().parse_args(ctx, args)


@click.group("study", cls=StudyGroup, subcommand_metavar="FOLDER... | report CSV")
def command() -> None:
    """Ask people to score avatars, as the paper's user study does.

    `hasnet study FOLDER...` shows the pictures of some systems on a web page of this machine alone,
    blind and in an order of each participant's own; `hasnet study report CSV` prints Table 1.
    """


@command.command(_RUN, short_help="Show the pages (without a subcommand: this).")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--sources", type=click.Path(path_type=Path), metavar="DIR", help="Source pictures.")
@click.option(
    "--references", type=click.Path(path_type=Path), metavar="DIR", help="Reference pictures."
)
@click.option(
    "-o", "--output", default="study.csv", type=click.Path(path_type=Path), metavar="CSV",
    help="The file of scores, which is added to.  [default: study.csv]",
)  # fmt: skip
@click.option("--common", is_flag=True, help="Where folders differ, take what all have.")
@click.option("--seed", type=int, default=0, help="Of the orders.  [default: 0]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Of the page.  [default: a free one]"
)
@click.option("--open", "in_browser", is_flag=True, help="Open the page in the browser.")
@verbosity_options
@click.pass_obj
def run_command(
    terminal: Terminal, folders: tuple[Path, ...], sources: Path | None, references: Path | None,
    output: Path, common: bool, seed: int, port: int, in_browser: bool,
) -> None:  # fmt: skip
    """Show the pages until interrupted; the address goes to standard output.

    FOLDERS hold the pictures of a system each, called after it; --sources and --references what
    they were made from, under the same file names. One FOLDER alone may hold all of them, in
    folders `source`, `reference` and one a system.
    """
    from hasnet_cli.local_site.serving import open_site, require_packages, show

    require_packages("study")
    from hasnet_cli.study_site.app import create_app
    from hasnet_models.study.answers import Answers

    study = _study(terminal, folders, sources, references, common, seed)
    answers = Answers(output)
    site = open_site(lambda token: create_app(study, answers, token), port)
    terminal.note(f"{len(study.results)} results of {', '.join(study.systems)}.")
    note = f"Scores go into {output}. Ctrl+C ends the study; it can be gone on with."
    show(site, terminal, note, in_browser)


@command.command("report")
@click.argument("csv", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=0, help="Of the bootstrap.  [default: 0]")
@json_option
@verbosity_options
@click.pass_obj
def report_command(terminal: Terminal, csv: Path, seed: int, as_json: bool) -> None:
    """Print the mean scores of each system with 95 % confidence intervals.

    CSV is the file of scores that `hasnet study` wrote. The intervals come from drawing
    participants and samples anew, 2,000 times.
    """
    from hasnet_models.study.answers import read_answers
    from hasnet_models.study.table import table

    answers = read_answers(csv)
    rows = table(answers, seed=seed)
    people = len({one.participant for one in answers})
    samples = len({one.item.sample for one in answers})
    if as_json:
        systems = [_row_object(row) for row in rows]
        terminal.json({"participants": people, "samples": samples, "systems": systems})
        return
    _print(terminal, rows)
    terminal.note(f"{people} participants, {samples} samples; 95 % intervals in brackets.")


def _study(
    terminal: Terminal, folders: tuple[Path, ...], sources: Path | None, references: Path | None,
    common: bool, seed: int,
) -> Study:  # fmt: skip
    """The study of the folders, its pictures looked at."""
    from hasnet_models.study.items import read_study, study_folders

    systems = list(folders)
    if sources is None and references is None and len(folders) == 1:
        systems, sources, references = study_folders(folders[0])
    if sources is None or references is None:
        raise UsageError(
            "A study needs the sources and the references.",
            "Give both sources=DIR and references=DIR.",
            parameters=("sources", "references"),
        )
    study = read_study(
        systems, sources, references, common=common, seed=seed, say=terminal.note
    )
    study.check_pictures()
    return study


def _print(terminal: Terminal, rows: list[Row]) -> None:
    from rich.table import Table

    from hasnet_models.study.table import titles

    shown = Table("system", box=None, pad_edge=False)
    for title in ("answers", *titles()):
        shown.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        shown.add_row(row.system, str(row.answers), *map(_cell, row.scales))
    terminal.show(shown)


def _cell(scale: Interval) -> str:
    if scale.low is None:
        return f"{scale.mean:.1f}"
    return f"{scale.mean:.1f} [{scale.low:.1f}, {scale.high:.1f}]"


def _row_object(row: Row) -> dict[str, object]:
    from dataclasses import asdict

    from hasnet_models.study.scales import SCALES

    scores = {s.name: asdict(v) for s, v in zip(SCALES, row.scales, strict=True)}
    return {"system": row.system, "answers": row.answers, **scores}
