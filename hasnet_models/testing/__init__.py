"""For the tests of plugins: a pytest plugin that a test module asks for by name.

    pytest_plugins = ["hasnet_models.testing"]

It gives two fixtures, `hasnet_offline` (installed plugins are out of sight, and the user's settings
with them) and `hasnet_tiny` (small seeded networks in place of the real ones); `assert_domain_ok`
makes the checks of `hasnet domain validate`. Nothing of it is loaded in tests that do not ask, so
it has no entry point.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from hasnet_models.testing.offline import Offline
from hasnet_models.testing.sound import assert_domain_ok

if TYPE_CHECKING:
    from hasnet_models.testing.drawing import Tiny

__all__ = ["assert_domain_ok", "hasnet_offline", "hasnet_tiny"]


@pytest.fixture
def hasnet_offline(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Offline]:
    """hasnet without any installed plugin, until `use` is given the folder of one."""
    offline = Offline(tmp_path_factory.mktemp("hasnet"), monkeypatch)
    yield offline
    offline.close()


@pytest.fixture(scope="session")
def hasnet_tiny() -> Tiny:
    """Small seeded networks, made once: `hasnet_tiny.avatar(domain)` draws in a second."""
    from hasnet_models.testing.drawing import Tiny

    return Tiny()
