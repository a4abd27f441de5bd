"""Where things are on the page Explore, by the names that a visitor reads or hears."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

TRAINING = 60_000  # milliseconds that a small training may take on a busy machine
NOT_MEASURED = "This setting has not been measured yet."
FIRST_STOPS = {"population": "digits", "contested": "100", "architecture": "logistic", "models": "8"}
"""A setting that is trained in a second or two."""


def query(**changed: str) -> str:
    """The URL query of the quick setting with some controls elsewhere."""
    return "&".join(f"{name}={stop}" for name, stop in {**FIRST_STOPS, **changed}.items())


def sentence(page: Page) -> Locator:
    """The finding at the top."""
    return page.get_by_role("heading", level=1)


def expect_measured(page: Page) -> None:
    """Wait until the numbers of all models of the setting are on the page, and the page is at rest."""
    expect(sentence(page)).to_have_text(re.compile(r"^Of \d[\d,]* members"), timeout=TRAINING)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=TRAINING)
    expect_rest(page)


def expect_rest(page: Page) -> None:
    """Wait until the server has run the page and has nothing more to send."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def expect_true(page: Page, expression: str) -> None:
    """Wait until an expression of the page is true; Playwright's own way needs "eval", which the page forbids."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not so within 20 s: {expression}")


def dial(page: Page, title: str) -> Locator:
    """The group of a dial: its slider and the name of its stop."""
    return page.get_by_role("group", name=title, exact=True)


def expect_stop(page: Page, title: str, stop: str) -> None:
    """Wait until a dial stands at a stop."""
    expect(dial(page, title).get_by_role("paragraph")).to_have_text(stop)


def press(page: Page, title: str, key: str) -> None:
    """Turn a dial with the keyboard."""
    dial(page, title).get_by_role("slider").press(key)


def tab_to(page: Page, control: Locator) -> None:
    """Walk to a control with the Tab key alone."""
    expect(control).to_be_visible()
    for _ in range(100):
        if control.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {control}")


def choose(page: Page, title: str, option: str) -> None:
    """Choose from a list with the keyboard."""
    box = page.get_by_role("combobox", name=title, exact=True)
    box.focus()
    box.press("ArrowDown")
    expect(page.get_by_role("option", name=option, exact=True)).to_be_visible()
    box.fill(option)
    box.press("Enter")


def expect_query(page: Page, *parts: str) -> None:
    """Wait until the URL holds all these settings."""
    ahead = "".join(rf"(?=.*[?&]{re.escape(part)}(&|$))" for part in parts)
    expect(page).to_have_url(re.compile(f"^{ahead}"))


def curve(page: Page) -> Locator:
    """The figure of accuracy against attack AUC."""
    return page.locator(".st-key-panel-tradeoff .js-plotly-plot")


def path_points(page: Page) -> Locator:
    """The points on the traced path, in the order of the dial."""
    return curve(page).locator(".scatterlayer .tracepath path.point")


def click_point(page: Page, point: Locator, words: str) -> None:
    """Move the mouse to a point, wait until a text with these words appears, and click."""
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 40, y - 25)
    page.mouse.move(x, y, steps=6)
    expect(curve(page).locator(".hoverlayer .hovertext")).to_contain_text(words)
    page.mouse.click(x, y)
