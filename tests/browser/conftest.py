"""What browser tests share: Chromium, the real dashboard, and visitors whose browsers complain of every fault.

There is one of each for all tests of this folder, and visitors come back to what their browsers keep of the
dashboard: to load and read its scripts takes longer than most of what is tested. Everything ends with the folder:
Playwright keeps an event loop running in the thread that started it, and processes left over from here would be in
the way of tests that look at their children.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from tests.browser.chromium import HOW_TO_GET_IT, chromium, launched
from tests.browser.desks import PATIENCE, Desks
from tests.browser.served import Served, left_after, served

Visitor = Callable[..., Page]


@pytest.fixture(scope="package")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: what a module has measured the next one need not."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="package")
def server(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running dashboard; at the end it stops when asked to, whole and without a complaint."""
    with served(cache, tmp_path_factory.mktemp("log") / "log.txt") as server:
        yield server
        left = left_after(server, signal.SIGTERM)
        log = server.log.read_text()
        assert not left, f"processes outlived the dashboard: {left}"
        assert server.process.returncode == 0, log
        assert "Traceback" not in log, log


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; without one the test is skipped, except in CI."""
    executable = chromium()
    if executable is None and os.environ.get("CI") == "true":
        pytest.fail("CI needs Chromium: apt-get install chromium", pytrace=False)
    if executable is None:
        pytest.skip(HOW_TO_GET_IT)
    expect.set_options(timeout=PATIENCE)
    with launched(executable) as browser:
        yield browser


@pytest.fixture(scope="package")
def desks(server: Served, browser: Browser) -> Iterator[Desks]:
    """The browsers at which visitors sit down."""
    desks = Desks(browser, server.address)
    yield desks
    desks.close()


@pytest.fixture
def visitor(server: Served, desks: Desks) -> Iterator[Visitor]:
    """Opens the dashboard as somebody new: ``visitor("models=8", color_scheme="dark")``.

    A query is one of Explore unless another page is named, and without either the page is the one that opens first;
    ``before`` is called with the page before it goes there. The test fails on any error in a console or a page and on
    any request to another host.
    """
    faults: list[str] = []

    def open_page(
        query: str = "",
        page_name: str | None = None,
        before: Callable[[Page], object] | None = None,
        **options: Any,
    ) -> Page:
        page = desks.page(**options)
        watch(page, server.address, faults)
        if before is not None:
            before(page)
        name = page_name if page_name is not None else "explore" if query else ""
        page.goto(f"{server.address}/{name}{'?' if query else ''}{query}")
        return page

    yield open_page
    desks.leave()
    assert not faults


def watch(page: Page, origin: str, faults: list[str]) -> None:
    """Note every error of a page, and every request that leaves the dashboard."""
    own = (f"{origin}/", f"blob:{origin}/", "data:", origin.replace("http", "ws", 1) + "/")

    def said(message: ConsoleMessage) -> None:
        # On a page below the root Streamlit's client asks for its server below that page first.
        probed = re.search(r"/\w+/_stcore/(health|host-config)$", message.location["url"])
        if message.type == "error" and not probed:
            faults.append(f"console: {message.text}")

    def failed(error: Error) -> None:
        faults.append(f"page: {error}")

    def asked(url: str) -> None:
        if not url.startswith(own):
            faults.append(f"request to another host: {url}")

    page.on("console", said)
    page.on("pageerror", failed)
    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once how to get Chromium when tests were skipped for want of it."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any(HOW_TO_GET_IT in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(HOW_TO_GET_IT, yellow=True)
