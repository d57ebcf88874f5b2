"""The hooks that a plugin may implement (pluggy project and entry-point group `hasnet`)."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from hasnet_models.plugins.domain import Domain

PROJECT = "hasnet"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def hasnet_domains() -> Iterable[Domain]:
    """Provide domains.

    Called once a run, so it must be quick: no torch, no weights. Usually it is::

        @hookimpl
        def hasnet_domains():
            yield Domain.from_package(__name__)

    where the package holds a `domain.toml` (see docs/domains.md).
    """
    raise NotImplementedError
