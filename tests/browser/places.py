"""The pages as a visitor finds them who looks at results: where each is, and how one knows that it is there whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.reading import TRAINING, curve, expect_measured, expect_rest, sentence

ANSWER = re.compile(r"^B leaks less than A: (yes|no, it leaks more|cannot tell yet)")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page.

    Attributes:
        path: the first part of its address behind the dashboard's origin.
        query: what stands behind the question mark.
        whole: waits until all of it is there.
    """

    path: str
    query: str
    whole: Callable[[Page], None]


def _start(page: Page) -> None:
    expect(page.get_by_role("link", name="Sweet spot")).to_be_visible()
    expect(page.locator(".st-key-panel-story path.point").first).to_be_visible()


def _explore(page: Page) -> None:
    expect_measured(page)
    expect(curve(page).locator("path.point").first).to_be_visible()


def _compare(page: Page) -> None:
    """The answer; what it lacks is measured where it was not before."""
    answer = page.get_by_role("heading", level=1).filter(has_text=ANSWER)
    measure = page.get_by_role("button", name="Measure what is missing")
    expect(answer.or_(measure).first).to_be_visible(timeout=TRAINING)
    if measure.is_visible():
        measure.click()
    expect(answer).to_be_visible(timeout=5 * TRAINING)
    expect(page.locator(".js-plotly-plot .plot-container")).to_have_count(3)


def _risk(page: Page) -> None:
    expect(sentence(page)).to_have_text(re.compile("records are at a risk above"))
    expect(page.locator(".st-key-panel-risks .legendtext").last).to_be_visible()
    expect(page.get_by_role("group", name="Records").get_by_role("button").first).to_be_visible()


def _sweep(page: Page) -> None:
    """The sweep that the page offers; its settings come with the package."""
    start = page.get_by_role("button", name="Start the sweep")
    done = page.get_by_text(re.compile(r"^Done: \d+ of \d+ settings"))
    expect(start.or_(done).first).to_be_visible(timeout=TRAINING)
    if not done.is_visible():
        start.click()
    expect(done).to_be_visible(timeout=TRAINING)
    expect(page.locator(".st-key-panel-sweep path.point").first).to_be_visible()


def _methods(page: Page) -> None:
    expect(page.get_by_role("article").last).to_be_attached()


def place(name: str, pins: tuple[str, str] = ("", "dp%3D4")) -> Place:
    """A page by its name in addresses.

    Args:
        name: one of ``NAMES``.
        pins: the settings that are compared, as addresses of views in an address.
    """
    addresses = {"start": "", "explore": "regularization=3", "risk": "label_smoothing=0.3"}
    addresses["compare"] = "&".join(f"pin={pin}" for pin in pins)
    return Place(path="" if name == "start" else name, query=addresses.get(name, ""), whole=_WHOLE[name])


def arrived(page: Page, origin: str, at: Place) -> None:
    """Go to a page and wait until it is whole and at rest."""
    page.goto(f"{origin}/{at.path}?{at.query}".rstrip("?"))
    whole(page, at)


def whole(page: Page, at: Place) -> None:
    """Wait until a page is whole and at rest."""
    at.whole(page)
    expect_rest(page)


_WHOLE = {
    "start": _start,
    "explore": _explore,
    "compare": _compare,
    "risk": _risk,
    "sweep": _sweep,
    "methods": _methods,
}

NAMES = tuple(_WHOLE)
"""The pages, in their order at the top."""
