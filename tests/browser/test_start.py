import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import watch
from tests.browser.reading import dial, expect_measured, expect_query, expect_rest, expect_stop, sentence
from tests.browser.test_looks import violations

PRESETS = ("Overfitted", "Regularized", "Label-smoothed", "Strong DP", "Sweet spot")
TOLD = re.compile(r"an attacker tells which is which \d\d \(\d\d–\d\d\) times out of 100\.$")
WIDTHS = """
() => ["html", "[data-testid=stMain]", "[data-testid=stMainBlockContainer]", ".st-key-panel-story", ".pd-presets"]
  .map((place) => document.querySelector(place))
  .map((node) => node.scrollWidth - node.clientWidth)
"""
CENTRES = """
(selector) => [...document.querySelectorAll(selector)]
  .map((node) => node.getBoundingClientRect())
  .map((box) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2])
"""


def cards(page):
    return page.get_by_role("list", name="Five settings to start from").get_by_role("link")


def points(page):
    return page.locator(".st-key-panel-story .scatterlayer path.point")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_opens_whole_on_a_new_machine_and_axe_finds_nothing(browser, server, theme):
    context, faults = browser.new_context(color_scheme=theme), []  # nobody sat there before: all files are fetched
    page = context.new_page()
    watch(page, server.address, faults)
    page.goto(server.address)
    expect(sentence(page)).to_have_text(TOLD)
    expect(cards(page)).to_have_count(5)
    for card, title in zip(cards(page).all(), PRESETS, strict=True):
        expect(card).to_have_text(re.compile(rf"^{title}.*Accuracy.*\d %.*Attack AUC.*\.\d{{3}}.*Proved ε"))
    expect(points(page).nth(20)).to_be_visible()
    behind, tables = page.get_by_text("Show the numbers as a table"), page.get_by_role("table")
    behind.first.click()
    expect(tables.get_by_role("row", name=re.compile("^Strong DP"))).to_be_visible()
    behind.nth(1).click()  # of the cards' histograms
    expect(tables.nth(1).get_by_role("columnheader", name="Outsiders")).to_be_visible()
    expect_rest(page)
    assert violations(page) == ""
    context.close()
    assert not faults


def test_the_picture_is_there_before_plotly_and_plotly_draws_it_at_the_same_places(visitor):
    page, held = visitor(), []
    page.route("**/assets/plotly*", lambda route: held.append(route))  # noqa: PLW0108  Playwright marks what it calls
    page.reload()
    expect(page.locator(".pd-sketched").nth(20)).to_be_visible()
    expect(cards(page)).to_have_count(5)
    expect(page.locator(".pd-sketch")).to_contain_text("Sweet spot")
    expect_rest(page)  # what comes above the picture has its height by then
    sketched = page.evaluate(CENTRES, ".pd-sketched")
    assert points(page).count() == 0
    held[0].continue_()
    expect(points(page).nth(20)).to_be_visible()
    expect(page.locator(".pd-sketch")).to_have_count(0)
    drawn = page.evaluate(CENTRES, ".st-key-panel-story .scatterlayer path.point")
    for x, y in drawn:
        assert min(abs(x - other) + abs(y - up) for other, up in sketched) < 4  # pixels
    assert len(sketched) == len(drawn) + 1  # the legend's


def test_on_a_phone_nothing_is_cut_off_and_a_card_opens_its_setting(visitor):
    page = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(cards(page)).to_have_count(5)
    expect(points(page).nth(20)).to_be_visible()
    assert page.evaluate(WIDTHS) == [0, 0, 0, 0, 0]
    cards(page).filter(has_text="Strong DP").tap()
    expect_query(page, "dp=4", "sweep=dp")
    expect_measured(page)


def test_cards_points_and_the_row_on_explore_open_settings_and_start_is_a_click_away(visitor, server):
    rows = server.rows("wave")
    page = visitor()
    link = cards(page).filter(has_text="Label-smoothed")
    assert link.get_attribute("href") == "explore?label_smoothing=0.3&sweep=label_smoothing"
    link.focus()
    link.press("Enter")
    expect_query(page, "label_smoothing=0.3")
    expect_measured(page)
    row = page.get_by_role("radiogroup").or_(page.get_by_test_id("stButtonGroup")).filter(has_text="Sweet spot")
    row.get_by_text("Strong DP").click()
    expect_stop(page, "DP noise", "σ 4")
    expect_measured(page)
    page.get_by_role("link", name="Start").click()
    figure = page.locator(".st-key-panel-story .js-plotly-plot")
    expect(points(page).first).to_be_visible()
    figure.focus()
    figure.press("ArrowLeft")
    told = page.locator(".st-key-panel-story").get_by_role("status")
    expect(told).to_have_text(re.compile(r"AUC .*Enter loads this setting\.$"))
    figure.press("Enter")
    expect(dial(page, "DP noise")).to_be_visible()
    expect_measured(page)
    assert server.rows("wave") == rows


def test_an_address_with_dials_at_the_root_opens_explore(visitor, server):
    page = visitor()
    page.goto(f"{server.address}/?noise=0.05")
    expect_stop(page, "Noise after training", "0.05")
    expect_measured(page)
    expect(page).to_have_url(re.compile(r"/explore\?noise=0\.05$"))
