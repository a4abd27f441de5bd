"""What a visitor does with a figure: hides entries of its legend, walks over its points, saves it."""

from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from cache.store import Store
from dashboard.state.view import View
from tests.browser.reading import (
    TRAINING,
    curve,
    expect_query,
    expect_rest,
    expect_stop,
    expect_true,
    path_points,
    press,
)
from tests.browser.test_looks import TWO_FRAMES
from tests.handmade import interval, measure

HIDDEN = "node => node._fullData.filter((trace) => trace.visible === 'legendonly').map((trace) => trace.name)"
RANGES = "node => [...node._fullLayout.xaxis.range, ...node._fullLayout.yaxis.range]"
CLOSE = """
(ranges, expected) => ranges(document.querySelector(".st-key-panel-tradeoff .js-plotly-plot"))
  .every((end, i) => Math.abs(end - expected[i]) < 1e-6)
"""
NAMES = "node => node._fullData.map((trace) => trace.name)"
SVG = "{http://www.w3.org/2000/svg}"
VIEW = View(population="digits", contested=500, architecture="logistic", models=8)


def put(server, view, accuracy, auc):
    """A measurement of a setting, as if it had been made."""
    accuracies, aucs = ((value, value - 0.01, value + 0.01) for value in (accuracy, auc))
    store = Store(server.cache)
    measure(store, view, pairs=4, shadows=6, test_accuracy=interval(*accuracies), auc=interval(*aucs))
    store.close()


@pytest.fixture(scope="module")
def address(server):
    """The query of a setting on a path of three; others lie two and three turns of dials away."""
    for stop, accuracy, auc in (("0", 0.90, 0.80), ("1", 0.88, 0.70), ("3", 0.86, 0.65)):
        put(server, VIEW.turned("regularization", stop), accuracy, auc)
    put(server, VIEW.turned("dp", "optimizer"), 0.85, 0.78)
    put(server, VIEW.turned("dp", "optimizer").turned("noise", "0.005"), 0.84, 0.75)
    return VIEW.address


def drawn(page):
    """The main figure, once it is there."""
    figure = curve(page)
    expect(figure.locator("path.point").first).to_be_visible()
    expect_rest(page)
    figure.scroll_into_view_if_needed()
    return figure


def hide(page, figure, name):
    """Click on an entry of the legend and wait until it is hidden."""
    box = figure.locator(".legendtext").get_by_text(name, exact=True).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    entry = figure.locator(".legend .traces").filter(has=page.get_by_text(name, exact=True))
    expect(entry).to_have_css("opacity", "0.5")


def test_a_hidden_entry_of_the_legend_and_no_other_stays_hidden_when_another_comes_before_it(visitor, address):
    page = visitor(address)
    figure = drawn(page)
    hide(page, figure, "on the frontier")
    press(page, "DP noise", "ArrowRight")
    expect_stop(page, "DP noise", "optimizer")
    expect_rest(page)
    assert "before" not in figure.evaluate(NAMES)
    press(page, "Noise after training", "ArrowRight")
    expect(figure.locator(".legendtext").get_by_text("before", exact=True)).to_be_visible()
    assert figure.evaluate(HIDDEN) == ["on the frontier"]


def test_a_point_under_the_keys_stays_it_when_another_is_measured_to_its_left(visitor, server, address):
    page = visitor(address)
    figure = drawn(page)
    panel = page.locator(".st-key-panel-tradeoff")
    ring, told = panel.locator(".pd-ring"), panel.get_by_role("status")
    figure.focus()
    for strength in ("3", "1"):
        figure.press("ArrowRight")
        expect(told).to_contain_text(f"regularization strength {strength},")
    before = ring.bounding_box()
    assert before is not None
    put(server, VIEW.turned("regularization", "50"), 0.82, 0.45)
    page.get_by_text("Show the numbers as a table").first.evaluate(
        "node => node.click()"
    )  # the keys stay where they are
    expect(panel.get_by_role("row")).to_have_count(1 + 4)
    expect(ring).to_be_visible()
    after, points = ring.bounding_box(), path_points(page)
    assert after is not None
    assert after["x"] > before["x"] + 5  # the axis begins further to the left
    here = points.nth(1).bounding_box()
    assert here is not None
    assert after["x"] + after["width"] / 2 == pytest.approx(here["x"] + here["width"] / 2, abs=1)
    figure.press("Enter")
    expect_stop(page, "Regularization strength", "1")
    expect_query(page, "regularization=1")


def test_the_label_under_the_mouse_stays_when_another_setting_is_measured(visitor, server, address):
    page = visitor(address)
    figure = drawn(page)
    points = path_points(page)
    before, box = points.count(), points.nth(2).bounding_box()  # further ones come from other tests
    assert box is not None
    page.mouse.move(box["x"] - 40, box["y"] - 25)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=6)
    label = figure.locator(".hoverlayer .hovertext")
    expect(label).to_contain_text("regularization strength 3")
    put(server, VIEW.turned("regularization", "10"), 0.85, 0.62)
    page.get_by_text("Show the numbers as a table").first.evaluate("node => node.click()")  # the mouse stays
    expect(points).to_have_count(before + 1)
    expect_rest(page)
    page.evaluate(TWO_FRAMES)
    expect(label).to_contain_text("regularization strength 3")


def test_a_saved_figure_leaves_out_what_is_hidden_and_shows_the_line_where_it_stands(visitor, address, tmp_path):
    page = visitor(address)
    panel = page.locator(".st-key-panel-scores")
    figure = panel.locator(".js-plotly-plot")
    expect(figure.locator(".legendtext").first).to_be_visible()
    expect_rest(page)
    panel.get_by_role("slider", name="Threshold").press("End")
    figure.scroll_into_view_if_needed()
    at, left = panel.locator(".pd-line").bounding_box(), figure.bounding_box()
    assert at is not None
    assert left is not None
    stands = at["x"] + at["width"] / 2 - left["x"]
    whole = saved(page, panel, tmp_path)
    hide(page, figure, "members")
    part = saved(page, panel, tmp_path)
    assert [len(bars(drawing)) for drawing in (whole, part)] == [4, 0]
    for drawing in (whole, part):
        assert "accused →" in {"".join(node.itertext()) for node in drawing.iter(f"{SVG}text")}
        (line,) = [node for node in drawing.iter(f"{SVG}path") if node.get("data-index") == "0"]
        x = float(line.get("d", "").partition("M")[2].partition(",")[0])
        assert x == pytest.approx(stands, abs=3)


def saved(page, panel, folder):
    """The figure of a panel as its button saves it."""
    with page.expect_download(timeout=TRAINING) as arriving:
        panel.locator("[data-format=svg]").click()
    arriving.value.save_as(folder / "svg")
    return ElementTree.fromstring((folder / "svg").read_text(encoding="utf-8"))


def bars(drawing):
    """The bars of the members' histogram."""
    layers = [node for node in drawing.iter(f"{SVG}g") if node.get("class") == "barlayer mlayer"]
    return [node for layer in layers for node in layer.iter(f"{SVG}path")]


def test_keys_zoom_around_the_middle_and_back_and_the_figure_says_so(visitor, address):
    page = visitor(address)
    figure = drawn(page)
    told = page.locator(".st-key-panel-tradeoff .pd-keys")
    expect(told).not_to_be_visible()
    figure.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # as somebody who came with the keyboard
    expect(told).to_have_text("Arrow keys walk over the points, Enter loads one, + and − zoom, 0 shows all")
    expect(told).to_be_visible()
    assert figure.get_attribute("aria-describedby") == told.get_attribute("id")
    whole = figure.evaluate(RANGES)
    for key, times in (("+", 0.5), ("+", 0.25), ("-", 0.5), ("0", 1), ("-", 2), ("0", 1)):
        figure.press(key)
        expected = [*around(whole[:2], times), *around(whole[2:], times)]
        expect_true(page, f"({CLOSE})({RANGES}, {expected})")
    figure.press("Control+-")
    assert figure.evaluate(RANGES) == pytest.approx(whole)


def around(ends, times):
    """The ends of a range so many times as wide around the same middle."""
    low, high = ends
    return [(low + high) / 2 + side * times * (high - low) / 2 for side in (-1, 1)]
