import os
import re
from itertools import product
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from cache.store import Store
from dashboard.state.view import View, point
from tests.browser.conftest import watch
from tests.browser.places import NAMES, place, whole
from tests.browser.reading import (
    TRAINING,
    curve,
    dial,
    expect_measured,
    expect_query,
    expect_rest,
    expect_stop,
    expect_true,
    press,
    query,
    sentence,
)
from tests.browser.screenshots import SIZES, picture
from tests.browser.served import served
from tests.test_failed_jobs import spoil

THEMES = ("light", "dark")
FULL = os.environ.get("PRIVACYDIAL_FULL") == "1"
WIDE, NARROW = (1440, 900), (390, 844)
LOOKS = tuple(product(NAMES, THEMES, (WIDE, NARROW)) if FULL else product(NAMES, ("dark",), (NARROW,)))
"""Every page, dark and narrow; wide, tests of each page see it in both themes. The full run adds the rest."""
BRIGHTNESS = """
([node, property]) => {
  const [r, g, b] = getComputedStyle(node)[property].match(/[\\d.]+/g).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
"""
RAIL = "() => [document.querySelector('[data-testid=stSidebarContent]')].map((n) => n.scrollWidth - n.clientWidth)[0]"
WIDTHS = """
() => ["html", "[data-testid=stMain]", "[data-testid=stMainBlockContainer]"]
  .map((place) => document.querySelector(place))
  .map((node) => node.scrollWidth - node.clientWidth)
"""
MOVING = """
() => [...document.querySelectorAll("*")]
  .flatMap((node) => [null, "::before", "::after"].map((part) => [node, getComputedStyle(node, part)]))
  .filter(([node, { transitionDuration, animationName, animationDuration }]) => {
    const moving = [transitionDuration, animationName === "none" ? "0s" : animationDuration].join(", ");
    return moving.split(", ").some((time) => Number.parseFloat(time) * (time.endsWith("ms") ? 1 : 1000) > 1);
  })
  .map(([node]) => node.outerHTML.slice(0, 100))
"""
"""What has a transition or an animation that lasts longer than a millisecond."""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
STILL = """
document.getAnimations()
  .every((one) => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity)
"""


def brightness(locator, attribute):
    """Relative luminance of a colour as WCAG defines it, 0 to 1."""
    return locator.evaluate(f"node => ({BRIGHTNESS})([node, '{attribute}'])")


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_and_its_figure_follow_the_theme_of_the_visitors_system(visitor, theme):
    page = visitor(query(), color_scheme=theme)
    expect_measured(page)
    paper = brightness(page.get_by_test_id("stApp"), "backgroundColor")
    assert (paper > 0.5) == (theme == "light")
    figure = curve(page)
    expect(figure.locator(".legendtext").first).to_be_visible()
    for spot in (".legendtext", ".xtick text", ".xtitle", ".annotation-text"):
        text = brightness(figure.locator(spot).first, "fill")
        contrast = (max(text, paper) + 0.05) / (min(text, paper) + 0.05)
        assert contrast >= 4.5, f"{spot} has a contrast of {contrast:.1f}"


def violations(page):
    """What axe finds, as text, once nothing is below the mouse; a popover that was opened stays."""
    page.mouse.move(0, 0)
    expect(page.get_by_role("tooltip")).to_have_count(0)  # it outstays the mouse, outside all landmarks
    page.evaluate(TWO_FRAMES)
    expect_true(page, STILL)  # colours change slowly when the mouse leaves, and new pieces fade in
    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


@pytest.mark.parametrize(("name", "theme", "size"), LOOKS)
def test_axe_finds_nothing_on_any_page_in_either_theme_and_nothing_moves_where_it_is_unwanted(
    visitor, name, theme, size
):
    quick = quote(query()), quote(query(noise="0.2"))
    width, height = size
    at = place(name, quick)
    page = visitor(at.query, at.path, color_scheme=theme, viewport={"width": width, "height": height})
    whole(page, at)
    assert violations(page) == ""
    expect_true(page, f"Math.max(...({WIDTHS})()) <= 0")
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(MOVING) == []


def test_a_picture_of_a_page_is_taken_with_its_size_in_few_colours(browser, server, tmp_path):
    picture(browser, server.address, tmp_path / "methods.png", "methods", "wide", "light")
    with Image.open(tmp_path / "methods.png") as taken:
        assert taken.size == tuple(SIZES["wide"].values())
        assert taken.mode == "P"
        assert len(taken.getcolors() or ()) > 10  # it is no empty sheet


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_the_open_budget(visitor, theme):
    page = visitor(query(most_auc="0.6"), color_scheme=theme)
    expect_measured(page)
    page.get_by_role("button", name="Budget: 1 limit").click()
    expect(page.get_by_role("slider", name="Attack AUC at most")).to_be_visible()
    expect_rest(page)
    assert violations(page) == ""


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_the_open_options_of_an_architecture_and_all_of_them_fit(visitor, theme):
    page = visitor(query(architecture="lstm-4x2-bidirectional-mean"), color_scheme=theme)
    expect_measured(page)
    page.get_by_role("button", name="Options").click()
    expect(page.get_by_role("radiogroup", name="Pooling")).to_be_visible()
    expect_rest(page)
    assert violations(page) == ""
    options = page.get_by_test_id("stPopoverBody")
    assert options.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    expect_true(page, f"({RAIL})() <= 0")


def test_a_narrow_rail_holds_the_options_of_an_architecture_that_cannot_read_the_records(visitor):
    page = visitor("population=purchases&architecture=lstm-64x2-mean", viewport={"width": 390, "height": 844})
    page.get_by_test_id("stExpandSidebarButton").click()
    count, options = page.locator(".pd-count"), page.get_by_role("button", name="Options")
    expect(count).to_have_text("LSTM 64×2 mean cannot read these records")
    bottom = count.evaluate("node => node.getBoundingClientRect().bottom")
    assert options.evaluate("node => node.getBoundingClientRect().top") < bottom  # beside it, not below
    expect_true(page, f"({RAIL})() <= 0")
    options.click()
    expect(page.get_by_test_id("stPopoverBody")).to_contain_text("has no sequence view")


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_a_measured_page_with_its_table(visitor, theme):
    page = visitor(query(), color_scheme=theme)
    expect_measured(page)
    page.get_by_text("Show the numbers as a table").first.click()
    expect(page.get_by_role("table")).to_be_visible()
    expect(page.locator(".js-plotly-plot .legendtext").last).to_be_visible()
    page.locator(".st-key-pin").get_by_role("button").hover()
    expect(page.get_by_role("tooltip")).to_be_visible()  # what the mouse left open is no fault of the page
    assert violations(page) == ""


def test_axe_finds_nothing_where_a_job_failed_nor_where_nothing_has_been_measured(browser, tmp_path):
    lost = View(population="digits", contested=100, architecture="logistic", models=8)
    with served(tmp_path / "cache", tmp_path / "log.txt") as server:  # one of its own: its log has the fault in it
        store = Store(server.cache)
        spoil(store, point(lost).recipe)
        store.close()
        for theme in THEMES:
            context, faults = browser.new_context(color_scheme=theme), []
            page = context.new_page()
            watch(page, server.address, faults)
            for name in ("explore", "risk"):
                page.goto(f"{server.address}/{name}?{lost.address}")
                expect(sentence(page)).to_have_text("This setting could not be measured.", timeout=TRAINING)
                expect(page.get_by_role("alert")).to_contain_text("The training failed: ")
                expect_fine(page)
            pins = "&".join(f"pin={quote(view.address)}" for view in (lost, lost.turned("noise", "0.2")))
            page.goto(f"{server.address}/compare?{pins}")
            expect(page.get_by_role("alert")).to_contain_text("The training failed: ", timeout=TRAINING)
            expect_fine(page)
            for address, shown in (
                ("compare?population=purchases", "Does one setting really leak less than another?"),
                ("risk?mixup=1&dp=1", "Mixup must be off with DP-SGD"),
            ):
                page.goto(f"{server.address}/{address}")
                expect(sentence(page)).to_contain_text(shown)
                expect_fine(page)
            context.close()
            assert not faults


def test_axe_finds_nothing_on_start_where_nothing_comes_with_the_package_and_a_narrow_one_fits(browser, tmp_path):
    with served(tmp_path / "cache", tmp_path / "log.txt", starter=False) as server:
        for theme in THEMES:
            context, faults = browser.new_context(color_scheme=theme), []
            page = context.new_page()
            watch(page, server.address, faults)
            page.goto(server.address)
            expect(sentence(page)).to_have_text("Nothing has been measured here yet.")
            expect(page.get_by_role("button", name="Measure the five settings")).to_be_visible(timeout=TRAINING)
            expect(page.get_by_text("Not measured yet")).to_have_count(5)
            expect_fine(page)
            context.close()
            assert not faults


def expect_fine(page):
    """Axe finds nothing on a page at rest, and a narrow one only scrolls down."""
    expect_rest(page)
    assert violations(page) == "", page.url
    page.set_viewport_size({"width": 390, "height": 844})
    expect_true(page, f"Math.max(...({WIDTHS})()) <= 0")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_before_and_after_a_training_is_cancelled(visitor, theme):
    page = visitor("architecture=lstm-64&contested=3500", color_scheme=theme)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    assert violations(page) == ""
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Measure this")).to_be_visible()
    assert violations(page) == ""


def test_a_narrow_page_scrolls_down_only_and_its_dials_are_one_tap_away(visitor):
    page = visitor(query(), viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect_measured(page)
    assert max(page.evaluate(WIDTHS)) <= 0
    assert page.evaluate("document.documentElement.clientWidth") == 390
    expect(dial(page, "DP noise")).not_to_be_in_viewport()
    page.get_by_test_id("stExpandSidebarButton").tap()
    expect(dial(page, "DP noise")).to_be_in_viewport()
    press(page, "DP noise", "ArrowRight")
    expect_stop(page, "DP noise", "optimizer")
    expect_query(page, "dp=optimizer")
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").tap()
    expect(dial(page, "DP noise")).not_to_be_in_viewport()
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    expect(page).to_have_url(re.compile("dp=optimizer"))


def test_nothing_on_the_page_moves_where_motion_is_unwanted(visitor):
    still, moving = (visitor("architecture=lstm-64&contested=3500", reduced_motion=it) for it in ("reduce", None))
    for page in (still, moving):
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    assert still.evaluate(MOVING) == []
    assert moving.evaluate(MOVING)
    for page in (still, moving):
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("button", name="Measure this")).to_be_visible()
