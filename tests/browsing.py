"""Pages of this machine as a browser sees them: a client of flask, and a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TOKEN, HOST = "secret-token", "127.0.0.1:8000"
OWN = {"Origin": f"http://{HOST}"}
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

needs_browser = pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and its driver")


class Visitor:
    """A browser that was given the address of an application, by way of flask's client."""

    def __init__(self, app) -> None:
        app.config["HOST"] = HOST
        self.client = app.test_client()

    def get(self, path: str, host: str = HOST, **headers: str):
        return self.client.get(path, base_url=f"http://{host}", headers=headers)

    def post(self, path: str, headers: dict[str, str] = OWN, **body: object):
        return self.client.post(path, base_url=f"http://{HOST}", headers=headers, **body)


@contextmanager
def chromium(folder: Path) -> Iterator:
    """Without a window; its profile and its `downloads` lie in a folder."""
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    prefs = {"download.default_directory": str(folder / "downloads")}
    options.add_experimental_option("prefs", prefs)
    for flag in ("headless=new", "no-sandbox", "disable-gpu", f"user-data-dir={folder / 'me'}"):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.implicitly_wait(10)
    try:
        yield driver
    finally:
        driver.quit()
