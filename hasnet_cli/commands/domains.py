"""`hasnet domains`: what is installed, and what is broken."""

from __future__ import annotations

from typing import Any

import click

from hasnet_cli import factory
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_models.errors import DomainError
from hasnet_models.plugins import Domain, Registry


@click.command("domains")
@json_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, as_json: bool) -> None:
    """List the installed domains.

    A plugin that cannot be used is listed with its error, and does not change the exit code.
    """
    registry = factory.find_domains()
    rows = [_row(domain) for domain in registry.domains]
    rows += [
        {
            "name": failure.plugin,
            "plugin": f"{failure.distribution} {failure.version}".strip(),
            "error": f"{failure.stage}: {failure.error}",
        }
        for failure in registry.failures
    ]
    if as_json:
        terminal.json({"domains": rows, "disabled": registry.disabled})
        return
    if rows:
        _print_table(terminal, rows)
    _print_rest(terminal, registry)


def _row(domain: Domain) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": domain.name,
        "title": domain.title,
        "licence": domain.licence,
        "plugin": f"{domain.distribution} {domain.version}".strip(),
        "head": domain.head_file is not None,
        "medium": dict(domain.medium).get("kind"),
    }
    try:
        row["references"] = list(domain.reference_names)
        _ = domain.head
    except DomainError as error:
        row["error"] = str(error)
    return row


def _print_table(terminal: Terminal, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("name", "title", "references", "head", "licence", "plugin", box=None)
    for row in rows:
        references = "broken" if "error" in row else str(len(row["references"]))
        head = "yes" if row.get("head") else "no"
        title, licence = row.get("title", ""), row.get("licence", "")
        table.add_row(row["name"], title, references, head, licence, row["plugin"])
    for column in table.columns:
        column.overflow = "fold"
    terminal.show(table)


def _print_rest(terminal: Terminal, registry: Registry) -> None:
    """What has no place in the table goes to standard error."""
    terminal.report_plugins(registry)
    for domain in registry.domains:
        if error := _row(domain).get("error"):
            terminal.note(f"Domain {domain.name} is broken: {error}")
    if registry.disabled:
        terminal.note(f"Switched off: {', '.join(registry.disabled)}.")
    if not registry.domains:
        terminal.note("No usable domain is installed; see docs/domains.md.")
