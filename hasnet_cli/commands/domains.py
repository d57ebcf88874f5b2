"""`hasnet domains`: what is installed, and what is broken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hasnet_cli import kept
from hasnet_cli.console import Terminal, json_option, verbosity_options
from hasnet_models.errors import DomainError

if TYPE_CHECKING:
    from hasnet_models.plugins import Domain, Manager, PluginFailure, Registry

_KEPT = "domains"


class Listing(NamedTuple):
    """A row for each domain and each failure, plugins switched off, and what is odd.

    ``state`` is None where no plugin was asked, as all that they say was kept.
    """

    rows: list[dict[str, Any]]
    disabled: list[str]
    state: Registry | None = None


@click.command("domains")
@json_option
@verbosity_options
@click.pass_obj
def command(terminal: Terminal, as_json: bool) -> None:
    """List the installed domains.

    A plugin that cannot be used is listed with its error, and does not change the exit code.
    """
    found = kept.read(_KEPT, os.environ)
    listing = Listing(*found) if found else _asked()
    if as_json:
        terminal.json({"domains": listing.rows, "disabled": listing.disabled})
        return
    if listing.rows:
        _print_table(terminal, listing.rows)
    _print_rest(terminal, listing)


def _asked() -> Listing:
    """What the plugins say now; it is kept where nothing is broken."""
    from hasnet_cli import factory

    registry = factory.find_domains()
    rows = [_row(domain) for domain in registry.domains]
    disabled = list(registry.disabled)
    if registry.sound and not any("error" in row for row in rows):
        _keep(factory.find_plugins(), registry, (rows, disabled))
    rows += [_failed(failure) for failure in registry.failures]
    return Listing(rows, disabled, registry)


def _keep(manager: Manager, registry: Registry, found: tuple[list[Any], list[str]]) -> None:
    """Until a plugin, a manifest or a file that was checked changes."""
    sources = manager.files()
    if sources is None:
        return
    data = {d.reference_file.path for d in registry.domains}
    data |= {d.head_file.path for d in registry.domains if d.head_file}
    kept.write(_KEPT, os.environ, found, sources | kept.manifests(sources) | data)


def _failed(failure: PluginFailure) -> dict[str, Any]:
    return {
        "name": failure.plugin,
        "plugin": f"{failure.distribution} {failure.version}".strip(),
        "error": f"{failure.stage}: {failure.error}",
    }


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


def _print_rest(terminal: Terminal, listing: Listing) -> None:
    """What has no place in the table goes to standard error."""
    if listing.state:
        terminal.report_plugins(listing.state)
    domains = [row for row in listing.rows if "title" in row]
    for row in domains:
        if "error" in row:
            terminal.note(f"Domain {row['name']} is broken: {row['error']}")
    if listing.disabled:
        terminal.note(f"Switched off: {', '.join(listing.disabled)}.")
    if not domains:
        terminal.note("No usable domain is installed; see docs/domains.md.")
