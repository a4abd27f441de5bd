"""Chromium as the tests and the screenshots use it: the system's own, headless, cut off from all other hosts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_GET_IT = "No Chromium was found, so browser tests are skipped; on Debian: apt-get install chromium"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # as if the machine had no network
)


def chromium() -> str | None:
    """The path of Chromium, None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def launched(executable: str) -> Iterator[Browser]:
    """A running Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
