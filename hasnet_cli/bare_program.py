"""A program that does nothing but what click and rich do for it, to hold hasnet's start against.

    python bare_program.py COUNT --help | one

It has COUNT commands besides the first, which prints a table of as many rows.
"""

from __future__ import annotations

import sys


def main(count: int, args: list[str]) -> None:
    """Run it."""
    import click

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option("1.0")
    def cli() -> None:
        """Turn something into something else."""

    def listing() -> None:
        """List what there is."""
        from rich.console import Console
        from rich.table import Table

        table = Table("name", "title", "references", "head", "licence", "plugin", box=None)
        for number in range(count):
            table.add_row(str(number), "Title", "36", "no", "some licence", "distribution 0.1.0")
        Console(markup=False, width=10_000).print(table)

    cli.command("one")(listing)
    for number in range(count):
        cli.command(f"other{number}")(listing)
    cli(args)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
