"""The user's folders are those of platformdirs, which Linux does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from hasnet_models.folders import user_folder

KINDS = {"config": "XDG_CONFIG_HOME", "cache": "XDG_CACHE_HOME", "data": "XDG_DATA_HOME"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [None, "", "/somewhere", "/with/a slash/", "relative", "~/mine"])
@pytest.mark.parametrize("home", [None, "/home/ada", ""])
def test_they_are_platformdirs_own(monkeypatch, kind, given, home):
    for name, value in {KINDS[kind]: given, "HOME": home}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    expected = getattr(platformdirs, f"user_{kind}_dir")("hasnet", appauthor=False)
    assert user_folder(kind) == Path(expected)


@pytest.mark.skipif(sys.platform != "linux", reason="platformdirs knows them")
def test_on_linux_platformdirs_is_not_imported():
    code = (
        "import sys; from hasnet_models.folders import user_folder; user_folder('config')\n"
        "sys.exit('platformdirs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
