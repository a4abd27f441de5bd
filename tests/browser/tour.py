"""Every page once, on the results that ship: where it is, and how one sees that it is complete."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.reading import TRAINING, expect_rest

THEMES = ("light", "dark")
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page with something on it.

    Attributes:
        address: below the origin.
        complete: selectors of what must be there before anybody looks.
    """

    address: str
    complete: tuple[str, ...]


_DRAWN = ".js-plotly-plot .main-svg"
TOUR = {
    "start": Place(address="", complete=(f".st-key-panel-story {_DRAWN}", "a:has-text('Sweet spot')")),
    "explore": Place(address="explore?regularization=3", complete=(f".st-key-panel-tradeoff {_DRAWN} path.point",)),
    "compare": Place(address="compare", complete=(_DRAWN,)),
    "risk": Place(address="risk?label_smoothing=0.3", complete=(_DRAWN,)),
    "sweep": Place(address="sweep", complete=("[data-testid=stFileUploader]",)),
    "methods": Place(address="methods", complete=(".pd-entry",)),
}
"""By the name of the page."""


def arrive(page: Page, origin: str, name: str) -> None:
    """Open a page of the tour and wait until it is complete and at rest."""
    page.goto(f"{origin}/{TOUR[name].address}")
    for selector in TOUR[name].complete:
        expect(page.locator(selector).first).to_be_attached(timeout=TRAINING)
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    expect_rest(page)


def height(page: Page) -> int:
    """Of all that the page scrolls through: it does so inside an element of its own."""
    return page.get_by_test_id("stMain").evaluate("node => node.scrollHeight")
