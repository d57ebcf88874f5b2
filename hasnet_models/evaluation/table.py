"""The table: a row a system, a column a metric; as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = 1


@dataclass(frozen=True)
class Column:
    """A metric.

    Attributes:
        key: in JSON and CSV.
        title: for people; it names the network that the metric stands on.
        better: "lower", "higher", "one" or "" where neither is better by itself.
        digits: after the point.
    """

    key: str
    title: str
    better: str = ""
    digits: int = 2


@dataclass(frozen=True)
class Value:
    """A number with its 95 % confidence interval, where there is one."""

    value: float
    low: float | None = None
    high: float | None = None

    def text(self, digits: int) -> str:
        """Such as "4.50 [4.21, 4.80]"."""
        shown = f"{self.value:.{digits}f}"
        if self.low is None or self.high is None:
            return shown
        return f"{shown} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


@dataclass(frozen=True)
class Row:
    """A system's values by column key; where it failed, why."""

    system: str
    values: Mapping[str, Value] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True)
class Table:
    """What an evaluation gives.

    Attributes:
        settings: all that it depends on, and what is known of the judges themselves.
        notes: sentences for people, such as what of a compared system is simplified.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As one JSON object."""
        return {"schema": SCHEMA, **asdict(self)}


def to_json(tables: Sequence[Table]) -> str:
    """All tables as one object."""
    found = {"schema": SCHEMA, "tables": [table.document() for table in tables]}
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def to_csv(tables: Sequence[Table]) -> str:
    """A line a number: table, system, metric, value, low, high, failure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "system", "metric", "value", "low", "high", "failure"))
    for table in tables:
        for row in table.rows:
            if row.failure:
                writer.writerow((table.title, row.system, "", "", "", "", row.failure))
            for key, value in row.values.items():
                ends = ("" if end is None else f"{end:.6g}" for end in (value.low, value.high))
                line = (table.title, row.system, key, f"{value.value:.6g}", *ends, "")
                writer.writerow(line)
    return text.getvalue()


def to_markdown(tables: Sequence[Table]) -> str:
    """Tables, then their notes."""
    return "\n".join(_markdown(table) for table in tables)


def cells(table: Table, row: Row) -> list[str]:
    """The texts of a row, those of a failed one empty."""
    found = (row.values.get(column.key) for column in table.columns)
    digits = (column.digits for column in table.columns)
    return ["" if v is None else v.text(d) for v, d in zip(found, digits, strict=True)]


def heading(column: Column) -> str:
    """A column's title with the direction that is better."""
    arrow = {"lower": " ↓", "higher": " ↑", "one": " → 1"}.get(column.better, "")
    return column.title + arrow


def _markdown(table: Table) -> str:
    heads = ["system", *map(heading, table.columns)]
    lines = [f"### {table.title}", "", _line(heads), _line(["---"] * len(heads))]
    for row in table.rows:
        first, *rest = cells(table, row)
        lines.append(_line([row.system, row.failure or first, *rest]))
    notes = [f"* {note}" for note in table.notes]
    return "\n".join([*lines, "", *notes, ""])


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def row_of(document: Mapping[str, Any]) -> Row:
    """A row out of what `json` made of it.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    values = {key: Value(**value) for key, value in document["values"].items()}
    return Row(str(document["system"]), values, str(document["failure"]))
