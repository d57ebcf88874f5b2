"""Whether the package of a domain is sound."""

from __future__ import annotations

from pathlib import Path

from hasnet_models.plugins import FAILED, Domain
from hasnet_models.plugins.folder import package_in, package_of
from hasnet_models.plugins.validation import validate


def assert_domain_ok(domain: Domain | Path | str) -> None:
    """Make the checks of `hasnet domain validate`.

    Args:
        domain: or the folder of its package, or of the plugin around it.

    Raises:
        AssertionError: some fail; the message has a line for each.
        DomainError: there is no package.
    """
    folder = package_of(domain) if isinstance(domain, Domain) else package_in(Path(domain))
    refused = [f"{c.name}: {c.detail}" for c in validate(folder) if c.status == FAILED]
    if refused:
        raise AssertionError(f"{folder.name} is not sound:\n" + "\n".join(refused))
