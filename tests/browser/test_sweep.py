import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cache.sweeps.reading import sweep_from_toml
from tests.browser.reading import TRAINING, expect_rest, tab_to
from tests.browser.test_looks import violations

SWEEP = """
waves = 1
population.name = "digits"
population.contested = 60
architecture.kind = "Logistic"
batch = 20
epochs = 10
seed = [{seeds}]
mechanisms.LabelSmoothing.alpha = ["off", 0.3]
"""
WIDTHS = """
() => ["html", "[data-testid=stMain]", "[data-testid=stMainBlockContainer]"]
  .map((place) => document.querySelector(place))
  .map((node) => node.scrollWidth - node.clientWidth)
"""


def opened(visitor, **options):
    page = visitor(page_name="sweep", **options)
    expect(page.get_by_role("heading", level=1)).to_have_text("Measure many settings.")
    return page


def describe(page, text):
    """Type a sweep file."""
    page.get_by_text("A file", exact=True).click()
    box = page.get_by_role("textbox", name="Sweep in TOML")
    box.fill(text)
    box.press("Control+Enter")


def points(page):
    return page.locator(".st-key-panel-sweep .scatterlayer path.point")


@pytest.fixture(scope="module")
def measured(server, desks):
    """A small sweep that has ended."""
    page = desks.page()
    page.goto(f"{server.address}/sweep")
    describe(page, SWEEP.format(seeds="3, 4"))
    expect(page.get_by_text("4 settings, 4 waves of eight models.")).to_be_visible()  # before it starts another one
    page.get_by_role("button", name="Start the sweep").click()
    expect(page.get_by_text("Done: 4 of 4 settings")).to_be_visible(timeout=TRAINING)
    desks.leave()


def test_points_land_while_the_sweep_runs_and_a_reload_or_another_visitor_sees_them(visitor):
    page = opened(visitor)
    describe(page, SWEEP.format(seeds="5, 6, 7"))
    expect(page.get_by_text("6 settings, 6 waves of eight models.")).to_be_visible()
    page.get_by_role("button", name="Start the sweep").click()
    expect(points(page).first).to_be_visible(timeout=TRAINING)
    page.reload()
    expect(page.get_by_text("Done: 6 of 6 settings, 6 of 6 waves.")).to_be_visible(timeout=TRAINING)
    expect(points(page)).to_have_count(6)
    expect(points(opened(visitor))).to_have_count(6)


def test_points_land_on_the_figure_while_others_are_still_to_come(visitor):
    page = opened(visitor)
    text = SWEEP.format(seeds="12").replace("batch = 20\nepochs = 10", "epochs = [10, 3000]\nbatch = [20, 2]")
    describe(page, text.replace('["off", 0.3]', "0.3"))
    expect(page.get_by_text("4 settings, 4 waves of eight models.")).to_be_visible()
    page.get_by_role("button", name="Start the sweep").click()
    expect(page.get_by_text(re.compile("^Measuring: 0 of 4 settings"))).to_be_visible()
    expect(points(page)).to_have_count(0)
    expect(points(page).first).to_be_visible(timeout=3 * TRAINING)  # of few epochs; the longest takes its time
    expect(page.get_by_text(re.compile("^Measuring: [123] of 4 settings"))).to_be_visible()
    expect(page.get_by_text("Done: 4 of 4 settings")).to_be_visible(timeout=3 * TRAINING)
    expect(points(page)).to_have_count(4)


def test_a_sweep_is_started_paused_resumed_and_cancelled_with_keys_alone(visitor):
    page = opened(visitor)
    describe(page, SWEEP.format(seeds="8, 9").replace("epochs = 10", "epochs = [4000, 4001, 4002]"))
    expect(page.get_by_text("12 settings, 12 waves of eight models.")).to_be_visible()  # before it starts another one
    for name, state in (
        ("Start the sweep", "Measuring"),
        ("Pause", "Paused"),
        ("Resume", "Measuring"),
        ("Cancel the sweep", "Cancelled"),
    ):
        tab_to(page, page.get_by_role("button", name=name))
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile(f"^{state}: "))).to_be_visible(timeout=TRAINING)
    expect(page.get_by_text(re.compile("^Cancelled: "))).to_be_visible()
    expect(page.get_by_role("button", name="Start the sweep")).to_be_enabled()


def test_the_results_can_be_downloaded(visitor, measured):
    page = opened(visitor)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert download.value.suggested_filename == "sweep.csv"
    assert [row["seed"] for row in rows] == ["3", "3", "4", "4"]


def test_the_sweep_can_be_taken_along_as_a_file_that_asks_for_it(visitor, measured):
    page = opened(visitor)
    expect(points(page)).to_have_count(4)  # what opens stays where it opened, while a page that still grows moves on
    page.get_by_role("button", name="Take it with you").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Sweep file").click()
    plan = sweep_from_toml(Path(download.value.path()).read_bytes()).plan()
    assert download.value.suggested_filename == "sweep.toml"
    assert [setting.values for setting in plan.settings] == [(3, "off"), (3, 0.3), (4, "off"), (4, 0.3)]
    expect(page.get_by_text("privacydial sweep sweep.toml")).to_be_visible()


def test_an_uploaded_file_is_data_and_a_bad_one_is_one_sentence(visitor):
    page = opened(visitor)
    page.get_by_text("A file", exact=True).click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "a.toml", "mimeType": "text/plain", "buffer": b"epochs = '<b>x</b>'"}
    )
    expect(page.get_by_role("alert")).to_contain_text("Epochs must be a whole number, got '<b>x</b>'.")
    expect(page.get_by_role("button", name="Start the sweep")).to_have_count(0)


def test_explore_and_sweep_are_a_click_apart_and_each_keeps_its_choices(visitor):
    page = visitor("regularization=10&models=8")
    expect_rest(page)
    page.get_by_role("link", name="Sweep").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Measure many settings.")
    page.get_by_text("64", exact=True).click()
    expect(page.get_by_text("3 settings, 24 waves of eight models.")).to_be_visible()
    page.get_by_role("link", name="Explore").click()
    expect(page).to_have_url(re.compile("regularization=10"))
    page.get_by_role("link", name="Sweep").click()
    expect(page.get_by_text("3 settings, 24 waves of eight models.")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_figures_are_there_and_axe_finds_nothing(visitor, measured, theme):
    page = opened(visitor, color_scheme=theme)
    expect(points(page)).to_have_count(4)
    overview = page.locator(".st-key-panel-parallel")
    expect(overview.get_by_role("heading", name="All dials side by side")).to_be_visible()
    expect(overview.locator(".scatterlayer path.js-line")).to_have_count(4)  # one for each setting
    expect_rest(page)
    assert violations(page) == ""


def test_on_a_phone_nothing_is_cut_off_and_everything_is_there(visitor, measured):
    page = opened(visitor, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(points(page)).to_have_count(4)
    expect(page.get_by_role("button", name="Download as CSV")).to_be_visible()
    expect(page.get_by_role("button", name="Start the sweep")).to_be_visible()
    assert page.evaluate(WIDTHS) == [0, 0, 0]
