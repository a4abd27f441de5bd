"""From a number to its definition, and from the page to files, as a visitor does it."""

import csv
import re
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from tests.browser.reading import TRAINING, expect_measured, expect_rest, expect_true, query
from tests.browser.test_looks import STILL, WIDTHS, violations


def test_a_figure_and_its_table_are_downloaded_and_a_number_leads_to_its_definition(visitor, tmp_path):
    page = visitor(query())
    expect_measured(page)
    panel = page.locator(".st-key-panel-tradeoff")
    expect(panel.locator("path.point").first).to_be_visible()
    for ending, begins in (("svg", b"<svg"), ("png", b"\x89PNG")):
        button = panel.get_by_role("button", name=f"Save “What accuracy costs in privacy” as {ending.upper()}")
        expect_rest(page)
        button.focus()
        with page.expect_download(timeout=TRAINING) as arriving:
            button.press("Enter")
        assert arriving.value.suggested_filename == f"what-accuracy-costs-in-privacy.{ending}"
        arriving.value.save_as(tmp_path / ending)
        assert (tmp_path / ending).read_bytes().startswith(begins)
    drawing = ElementTree.fromstring((tmp_path / "svg").read_text(encoding="utf-8"))
    texts = {"".join(node.itertext()) for node in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert {"What accuracy costs in privacy", "Test accuracy · more accurate →"} <= texts

    panel.get_by_text("Show the numbers as a table").click()
    expect(panel.get_by_role("button", name="Download as CSV")).to_be_visible()
    expect_rest(page)
    expect_true(page, STILL)  # what opens pushes the button along, away from under the mouse
    with page.expect_download(timeout=TRAINING) as arriving:
        panel.get_by_role("button", name="Download as CSV").click()
    arriving.value.save_as(tmp_path / "csv")
    with (tmp_path / "csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    shown = panel.get_by_role("row").nth(1).get_by_role("cell").all_inner_texts()
    assert list(rows[0].values()) == shown

    with page.expect_popup() as opening:
        page.locator(".pd-tiles").get_by_role("link", name="How is this measured: Attack AUC").click()
    methods = opening.value
    expect(methods.locator("#auc")).to_be_in_viewport()
    expect(methods.locator("#auc")).to_be_focused()
    expect(methods.locator("#auc")).to_contain_text("Mann & Whitney 1947")
    methods.locator("#auc").get_by_role("link", name="Mann & Whitney 1947").click()
    expect(methods.locator("#reference-mann-whitney-1947")).to_be_in_viewport()


def test_a_place_that_cannot_be_read_is_no_place_and_no_fault(visitor):
    page = visitor(page_name="methods#100%")
    expect(page.get_by_role("article").last).to_be_attached()
    expect_rest(page)
    page.evaluate("location.hash = '#auc'")
    expect(page.locator("#auc")).to_be_focused()
    page.evaluate("location.hash = '#%'")
    expect(page.locator("#auc")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_methods_and_in_what_can_be_taken_along(visitor, server, theme):
    page = visitor(query(), color_scheme=theme)
    expect_measured(page)
    page.get_by_role("button", name="Take it with you").click()
    expect(page.get_by_role("button", name="Recipe file")).to_be_visible()
    assert violations(page) == ""
    page.goto(f"{server.address}/methods")
    expect(page.get_by_role("article").last).to_be_attached()
    expect_rest(page)
    assert violations(page) == ""


def test_methods_fit_a_telephone_and_a_filter_keeps_what_it_finds(visitor):
    page = visitor(page_name="methods", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.get_by_role("article").last).to_be_attached()
    assert max(page.evaluate(WIDTHS)) <= 0
    whole = page.get_by_role("article").count()
    box = page.get_by_role("textbox", name="Find")
    box.fill("mixup")
    box.press("Enter")
    expect(page.locator("#mechanism-mixup")).to_be_visible()
    expect(page.locator("#population-digits")).to_have_count(0)
    assert page.get_by_role("article").count() < whole
    box.fill("zebra")
    box.press("Enter")
    expect(page.get_by_text(re.compile("Nothing here has all of these words"))).to_be_visible()
