"""A real browser for pages: Debian's chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A headless browser; skipped where there is none, unless it is required."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        reason = "no browser: apt-get install chromium, then make test-web"
        if os.environ.get("HMRM_BROWSER_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra web")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()
