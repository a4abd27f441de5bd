"""The page Who is at risk, on planted settings."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from cache.store import Store
from dashboard.state.view import View, point
from tests.browser.reading import expect_query, expect_rest, expect_true
from tests.browser.test_looks import THEMES, WIDTHS, violations
from tests.planted_settings import planted_setting

VIEW = View(population="digits", contested=400, architecture="logistic", label_smoothing="0.3", models=8)
TABS = ("Record by record", "Before and after", "Groups")


@pytest.fixture
def risk_page(visitor, server):
    """Opens the page of two measured settings; ``risk_page("record=7")`` with a record in the address."""
    store = Store(server.cache)
    store.put_assessment(point(VIEW), planted_setting(shift=4.0))
    store.put_assessment(point(replace(VIEW, label_smoothing="off")), planted_setting(shift=1.0))
    store.close()

    def opened(query="", **options):
        page = visitor(f"{VIEW.address}&{query}", "risk", **options)
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^\d+ of 60 records are at a risk"))
        return page

    return opened


def test_a_record_is_chosen_with_the_keyboard_and_its_address_opens_it_again(risk_page):
    page = risk_page()
    cards = page.get_by_role("group", name="Records").get_by_role("button")
    expect(cards).to_have_count(20)
    third = cards.nth(2)
    record = third.get_attribute("data-record")
    third.focus()
    third.press("Enter")
    expect(page.get_by_role("heading", name=re.compile(f"^Record {record}, class"))).to_be_visible()
    expect(third).to_have_attribute("aria-pressed", "true")
    expect_query(page, f"record={record}", "label_smoothing=0.3")
    page.reload()
    expect(page.get_by_role("heading", name=re.compile(f"^Record {record}, class"))).to_be_visible()
    expect(cards.nth(2)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("radio", name="at risk").click()
    expect(page.locator(".st-key-panel-risks")).to_contain_text(re.compile(r"Shown: \d+ of 60 records"))
    expect_query(page, f"record={record}")


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_any_tab_in_either_theme_and_a_narrow_page_only_scrolls_down(risk_page, theme):
    page = risk_page("record=7", color_scheme=theme)
    for title in TABS:
        page.get_by_role("tab", name=title).click()
        expect(page.get_by_role("tab", name=title)).to_have_attribute("aria-selected", "true")
        expect_rest(page)
        expect(page.locator(".js-plotly-plot .legendtext").last).to_be_visible()
        page.set_viewport_size({"width": 1280, "height": 900})
        assert violations(page) == "", title
        page.set_viewport_size({"width": 390, "height": 844})
        expect_true(page, f"Math.max(...({WIDTHS})()) <= 0")
