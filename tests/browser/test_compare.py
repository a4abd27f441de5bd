"""The page Compare: pin two settings, go there, read the answer."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.reading import (
    TRAINING,
    expect_measured,
    expect_query,
    expect_rest,
    press,
    query,
    sentence,
    tab_to,
)
from tests.browser.test_looks import THEMES, WIDTHS, violations

ANSWER = re.compile(r"^B leaks less than A: (yes|no, it leaks more|cannot tell yet)")


@pytest.fixture(scope="module")
def pinned(server, desks):
    """The query of two pins of which both have been measured, and so has their comparison."""
    page = desks.page()
    page.goto(f"{server.address}/explore?{query()}")
    expect_measured(page)
    page.get_by_role("button", name="Pin this setting").click()
    expect(page.get_by_role("button", name="Unpin A")).to_be_visible()
    press(page, "Noise after training", "End")
    expect_query(page, "noise=0.2")
    expect_measured(page)
    page.get_by_role("button", name="Pin this setting").click()
    expect(page.get_by_role("button", name="Unpin B")).to_be_visible()
    expect(page.locator(".st-key-panel-tradeoff .js-plotly-plot .textpoint").filter(has_text="A")).to_have_count(1)
    page.get_by_role("link", name="Compare these").click()
    expect(page).to_have_url(re.compile(r"/compare\?.*pin=.*pin="))
    # Both were measured, so that nothing needs to be trained and nobody has to ask for it.
    expect(sentence(page)).to_have_text(ANSWER, timeout=TRAINING)
    found = page.url.partition("?")[2]
    desks.leave()
    return found


def test_on_a_new_machine_the_page_opens_complete_with_an_example_and_axe_finds_nothing(visitor):
    page = visitor(page_name="compare", viewport={"width": 390, "height": 844})
    expect(sentence(page)).to_have_text(re.compile("^B leaks less than A: yes"))
    expect(page.get_by_text("This is an example")).to_be_visible()
    expect(page.get_by_role("button", name="Measure what is missing")).to_have_count(0)
    expect(page.locator(".js-plotly-plot .plot-container")).to_have_count(3)
    expect_rest(page)
    assert max(page.evaluate(WIDTHS)) <= 0
    assert violations(page) == ""


def test_keys_alone_take_a_ready_made_comparison_turn_it_around_and_unpin(visitor):
    page = visitor(page_name="compare")
    expect(page.get_by_text("This is an example")).to_be_visible()
    expect_rest(page)
    for name, address in (
        (re.compile(r"^Compare these .*smoothing", re.IGNORECASE), r"pin=&pin=label_smoothing%3D0\.3"),
        ("Compare all with B", r"pin=label_smoothing%3D0\.3&pin=(&|$)"),
        ("Unpin B", r"\?pin=label_smoothing%3D0\.3$"),
    ):
        tab_to(page, page.get_by_role("button", name=name))
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(address))
        expect_rest(page)
    expect(sentence(page)).to_have_text("Does one setting really leak less than another?")


def opened(visitor, pinned, **options):
    """The page with its answer and its figures."""
    page = visitor(pinned, "compare", **options)
    expect(sentence(page)).to_have_text(ANSWER, timeout=TRAINING)
    expect(page.locator(".js-plotly-plot .plot-container")).to_have_count(3)
    expect_rest(page)
    return page


@pytest.mark.parametrize("theme", THEMES)
def test_the_answer_stands_first_with_its_numbers_behind_it_and_axe_finds_nothing(visitor, pinned, theme):
    page = opened(visitor, pinned, color_scheme=theme)
    expect(page.get_by_role("definition").filter(has_text=re.compile(r"^Attack AUC [+−]\.\d{3} \("))).to_be_visible()
    expect(page.get_by_role("cell", name="Noise after training", exact=True)).to_be_visible()
    page.get_by_text("Show the numbers as a table").first.click()
    expect(page.get_by_role("cell", name="B minus A")).to_be_visible()
    expect(page.get_by_role("group", name=re.compile("^B minus A: attack AUC"))).to_be_visible()
    assert violations(page) == ""


def test_on_a_telephone_the_page_scrolls_down_only_and_a_pin_taken_away_asks_for_another(visitor, pinned):
    page = opened(visitor, pinned, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert max(page.evaluate(WIDTHS)) <= 0
    page.get_by_role("button", name="Unpin B").tap()
    expect(sentence(page)).to_have_text("Does one setting really leak less than another?")
    expect(page.get_by_role("button", name="Compare these")).to_have_count(3)
    expect_rest(page)
    assert max(page.evaluate(WIDTHS)) <= 0
    assert violations(page) == ""
