"""Tables of an evaluation on the screen and in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hasnet_cli.console import Terminal

if TYPE_CHECKING:
    from hasnet_models.evaluation.table import Table

STEM = "table"


def show(table: Table, terminal: Terminal) -> None:
    """Print a table, and below it its notes."""
    from rich.table import Table as Grid

    from hasnet_models.evaluation.table import cells, heading

    grid = Grid(title=table.title, title_justify="left", box=None, pad_edge=False)
    grid.add_column("system", no_wrap=True)
    for column in table.columns:
        grid.add_column(heading(column), justify="right")
    for row in table.rows:
        texts = [row.failure] if row.failure else cells(table, row)
        grid.add_row(row.system, *texts)
    terminal.show(grid)
    for note in table.notes:
        terminal.note(note)


def write(tables: Sequence[Table], out: Path) -> list[Path]:
    """Write table.json, table.csv and table.md; gives their paths.

    Raises:
        HasnetError: one cannot be written.
    """
    from hasnet_models.evaluation.inputs import write_text
    from hasnet_models.evaluation.table import to_csv, to_json, to_markdown

    writers: dict[str, Callable[[Sequence[Table]], str]] = {
        "json": to_json, "csv": to_csv, "md": to_markdown,
    }  # fmt: skip
    paths = []
    for suffix, text_of in writers.items():
        paths.append(out / f"{STEM}.{suffix}")
        write_text(paths[-1], text_of(tables))
    return paths
